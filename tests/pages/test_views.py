"""Each page through Streamlit's own test runner: it shows what the database holds, and says so when it is empty."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import seed
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboards import registry, session
from dashboards.markup import FILES
from monitor.domain import writing as writing_of
from monitor.jobs import mute
from monitor.settings import Settings
from monitor.storage import tables
from monitor.storage.database import Database


def _show(view: str) -> None:
    from importlib import import_module

    import_module(f"dashboards.views.{view}").show()


def open_page(url: str, view: str, **parameters: str) -> AppTest:
    session.use(Settings(database_url=url, actor="ana"))
    at = AppTest.from_function(_show, kwargs={"view": view}, default_timeout=30)
    for name, value in parameters.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def html(at: AppTest) -> str:
    return "".join(str(part["html"]) for part in parts(at) if "html" in part)


def sent(at: AppTest) -> dict[str, Any]:
    (only,) = parts(at)
    return only


def parts(at: AppTest) -> list[dict[str, Any]]:
    return [dict(json.loads(component.proto.json)) for component in at.get("bidi_component")]


def test_overview_says_what_needs_a_person_first(fresh: Database) -> None:
    page = html(open_page(str(fresh.url), "overview"))  # of this moment: minutes later a monitor is late
    assert "1 monitor fails, 16 alerts need you, 15 more open" in page
    assert "5 monitors, 3 on time, 1 learning" in page
    assert (
        "28 more open alerts: 6 critical, 7 high, 7 medium, 8 low" in page and 'data-go="alerts:all"' in page
    )
    assert re.search("<dt>failed</dt><dd>[45] min ago</dd>", page)
    assert page.index("web-orders: pull fails") < page.index('data-go="alert:') < page.index("<h2>Monitors")
    order = [
        page.index(f'data-go="monitor:{n}"') for n in ("web-orders", "card-payments", "pump-line-3", "host")
    ]
    assert order == sorted(order)
    for state in ("failing", "provisional", "learning", "on time"):
        assert state in page


def test_many_late_monitors_share_one_card(fresh: Database) -> None:
    with fresh.write() as writing:
        old = sa.update(tables.runs).where(tables.runs.c.state == "done")
        writing.execute(old.values(finished_at=seed.datetime(2026, 1, 1, tzinfo=seed.UTC)))
    page = html(open_page(str(fresh.url), "overview"))
    assert "1 monitor fails, 4 monitors are late" in page and "5 monitors, 0 on time" in page
    assert page.count("monitors are late") == 2  # the title and one card


def test_nothing_needs_you_only_where_nothing_is_open_or_wrong(fresh: Database) -> None:
    alerts, runs = tables.alerts.c, tables.runs.c
    with fresh.write() as writing:
        writing.execute(sa.delete(tables.runs).where(runs.state == "failed"))
        writing.execute(sa.update(tables.alerts).where(alerts.severity > 2).values(severity=2))
        orders = sa.update(tables.runs).where(runs.monitor_id == 3)
        writing.execute(orders.values(finished_at=seed.datetime.now(seed.UTC)))
    page = html(open_page(str(fresh.url), "overview"))
    assert "31 alerts open, none above medium" in page and "28 more open alerts" in page
    assert "Nothing needs you" not in page
    with fresh.write() as writing:
        done = sa.update(tables.alerts).where(alerts.state == "open")
        writing.execute(done.values(state="closed", closed_at=seed.datetime.now(seed.UTC)))
    page = html(open_page(str(fresh.url), "overview"))
    assert re.search(r"<h1>Nothing needs you now .*\n.*", page)
    assert re.search(
        r"The last alert ended [\d:]+ UTC\. The next training starts ([\w ]+, )?\d\d:\d\d UTC\.", page
    )
    assert "No alert is open." in sent(open_page(str(fresh.url), "alerts"))["calm"]


def test_a_first_row_that_is_overdue_needs_a_person(fresh: Database) -> None:
    words = "0 new rows; no file matches 'logs/*.csv'; put one there, or correct the path"
    runs, host = tables.runs.c, tables.monitors.c.name == "host"
    with fresh.write() as writing:
        writing.execute(sa.update(tables.monitors).where(host).values(stored=0, next_reading=1))
        writing.execute(
            sa.update(tables.runs).where(runs.monitor_id == 4, runs.job == "pull").values(message=words)
        )
    page = html(open_page(str(fresh.url), "overview"))
    assert "1 monitor is late" in page and "host: no row came so far" in page and "no file matches" in page
    with fresh.write() as writing:
        writing.execute(sa.update(tables.monitors).where(host).values(created_at=seed.datetime.now(seed.UTC)))
    page = html(open_page(str(fresh.url), "overview"))
    assert "host: no row" not in page and ">waiting<" in page


def test_a_muted_monitor_says_so_on_the_overview(fresh: Database) -> None:
    now = seed.datetime.now(seed.UTC)
    with fresh.write() as writing:
        until = now + seed.timedelta(hours=2)
        mute.add(writing, "host", "ana", now, entity=None, until=until, reason="new disks")
    page = html(open_page(str(fresh.url), "overview"))
    assert page.count("muted until") == 2, "wide and on a phone"


def test_overview_and_inbox_count_an_age_from_when_the_alert_began(fresh: Database) -> None:
    began = seed.datetime.now(seed.UTC) - seed.timedelta(hours=5, minutes=20)
    with fresh.write() as writing:
        writing.execute(sa.update(tables.alerts).values(first_event_at=began))
    page, queue = html(open_page(str(fresh.url), "overview")), sent(open_page(str(fresh.url), "alerts"))
    assert page.count("<dt>began</dt><dd>5 h 20 min ago</dd>") == 3
    assert all("began 5 h 20 min ago" in row["html"] for row in queue["rows"])


def test_every_page_speaks_when_there_is_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
    tables.metadata.create_all(database.engine)
    url = str(database.url)
    database.close()
    assert "No monitors yet" in html(open_page(url, "overview"))
    assert "monitor apply" in html(open_page(url, "monitors"))
    assert "Nothing ran yet" in html(open_page(url, "runs"))
    inbox = sent(open_page(url, "alerts"))
    assert (
        inbox["rows"] == [] and "The queue is empty" in inbox["empty"] and "No monitors yet" in inbox["calm"]
    )


def test_monitors_lists_all_of_them(url: str) -> None:
    page = html(open_page(url, "monitors"))
    assert "5 monitors" in page and "daily 02:00" in page and page.count('data-go="monitor:') == 5


def test_one_monitor_shows_schedule_fields_scores_and_versions(url: str) -> None:
    page = html(open_page(url, "monitors", name="card-payments"))
    for part in ("every 5 min", "daily 02:00", "Roll back to v39", "Promote v40", "payments_1h", "1 in 10,000",
                 "42 %", "finds fewer planted faults"):  # fmt: skip
        assert part in page
    assert "Promote v41" not in page  # it is the champion


def test_a_monitor_that_learns_says_what_it_waits_for_and_until_when(url: str) -> None:
    page = html(open_page(url, "monitors", name="host"))
    assert "The monitor is learning: 412 rows so far" in page
    assert re.search("A first training starts at 600 rows, or .*02:00 UTC if there are 200 by then", page)
    assert re.search(r"The source is looked at again [\w, ]*\d\d:\d\d:\d\d UTC", page)
    assert "learning, 412 of 600 rows" in html(open_page(url, "overview"))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"name": "nope"}, "There is no monitor &#39;nope&#39;; known: card-payments"),
        (
            {"name": "card-payments", "version": "77"},
            "There is no version &#39;v77&#39;; known: v41, v40, v39",
        ),
        ({"name": "card-payments", "version": "77", "left": "all"}, "There is no version &#39;v77&#39;"),
        ({"name": "nope", "version": "1"}, "There is no monitor &#39;nope&#39;"),
    ],
)
def test_an_address_of_what_is_not_there_says_so(
    url: str, address: dict[str, str], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert words in html(open_page(url, "monitors", **address))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("state", "rows"), [("closed", 1), ("suppressed", 2), ("nonsense", 31)])
def test_an_address_opens_a_view_of_the_inbox(fresh: Database, state: str, rows: int) -> None:
    a, now = tables.alerts, seed.datetime.now(seed.UTC)
    with fresh.write() as writing:
        for closed in [None, None] if state == "suppressed" else [now - seed.timedelta(hours=49)]:
            some = sa.select(a.c.alert_id).where(a.c.state == "open").limit(1)
            values = (
                {"closed_at": closed, "verdict": "false"} if closed else {"suppressed_by": "mute 1: new till"}
            )
            if state != "nonsense":
                writing.execute(sa.update(a).where(a.c.alert_id.in_(some)).values(state=state, **values))
    found = sent(open_page(str(fresh.url), "alerts", state=state))
    assert len(found["rows"]) == rows and found["asked"]["view"] == (state if rows < 31 else "free")
    if state == "closed":
        assert "False" in found["rows"][0]["html"] and "Last 7 days" in found["queues"]
        assert "Nothing was closed today" in sent(open_page(str(fresh.url), "alerts", state="today"))["empty"]


def test_what_was_closed_today_is_a_link(fresh: Database) -> None:
    a = tables.alerts
    with fresh.write() as writing:
        done = sa.update(a).where(a.c.alert_id == sa.select(sa.func.min(a.c.alert_id)).scalar_subquery())
        writing.execute(done.values(state="closed", closed_at=seed.datetime.now(seed.UTC), verdict="true"))
    assert 'data-view="today">1 closed today</button>' in sent(open_page(str(fresh.url), "alerts"))["foot"]


def test_a_pull_that_will_be_tried_again_says_when_and_why(fresh: Database) -> None:
    again = seed.datetime.now(seed.UTC) + seed.timedelta(minutes=3)
    with fresh.write() as writing:
        seeded = seed.Seed(writing, seed.datetime.now(seed.UTC))
        seeded.run(1, "pull", 0.2, "queued", attempt=2, not_before=again, message="the server did not answer")
        seeded.flush()
    at = writing_of.clock(again, "Europe/Berlin", named=True)
    assert f"retrying at {at}" in html(open_page(str(fresh.url), "overview"))
    assert f"retrying at {at}" in html(open_page(str(fresh.url), "monitors"))
    one = html(open_page(str(fresh.url), "monitors", name="card-payments"))
    assert f"Pull is retried at {at}, after 2 attempts, because the server did not answer" in one
    assert '<dd class="medium">retrying</dd>' in one


def test_a_version_without_its_model_says_so_and_has_no_button(fresh: Database) -> None:
    with fresh.write() as session:
        v = tables.versions
        session.execute(sa.update(v).where(v.c.number == 39).values(bundle=b""))
    page = html(open_page(str(fresh.url), "monitors", name="card-payments"))
    assert page.count("model dropped") == 1
    assert "Roll back to v39" not in page and "Promote v40" in page


def test_runs_are_filtered_and_name_their_failure(url: str) -> None:
    at = open_page(url, "runs")
    assert "no such file" in html(at) and "42 %" in html(at)
    at.selectbox[2].select("failed").run()
    assert html(at).count('class="critical"') == 3
    at.selectbox[1].select("prune").run()
    assert "No run is like this" in html(at)


def test_runs_of_a_linked_monitor_are_chosen_at_once(url: str) -> None:
    page = html(open_page(url, "runs", monitor="cold-storage"))
    assert page.count("<tr>") == 2  # the head and one run


@pytest.mark.parametrize(("job", "version"), [("pull", None), ("train", None), ("promote", 39)])
def test_a_button_puts_a_run_into_the_queue(fresh: Database, job: str, version: int | None) -> None:
    session.use(Settings(database_url=str(fresh.url), actor="ana"))
    registry.ask("card-payments", job, version)
    runs = tables.runs.c
    with fresh.read() as reading:
        row = reading.execute(
            sa.select(tables.runs).where(runs.actor == "ana", runs.job == job, runs.state == "queued")
        ).one()
    assert row.scope == "monitor:1" and row.slot.startswith("manual-")
    assert row.counts == ({"version_id": 1, "by_hand": True} if version else None)


def test_the_entry_shows_the_overview_first(url: str) -> None:
    session.use(Settings(database_url=url))
    at = AppTest.from_file(str(FILES.joinpath("app.py")), default_timeout=30).run()
    assert not at.exception and "alerts need you" in html(at)
