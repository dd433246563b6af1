"""Each page through Streamlit's own test runner: it shows what the database holds, and says so when it is empty."""

import json
from pathlib import Path
from typing import Any

import pytest
import seed
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboards import registry, session
from dashboards.markup import FILES
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
    assert "31 open alerts, 3 of 5 monitors on time" in page
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
    assert "4 monitors are late" in page and "0 of 5 monitors on time" in page


def test_every_page_speaks_when_there_is_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
    tables.metadata.create_all(database.engine)
    url = str(database.url)
    database.close()
    assert "no monitors yet" in html(open_page(url, "overview"))
    assert "monitor apply" in html(open_page(url, "monitors"))
    assert "Nothing ran yet" in html(open_page(url, "runs"))
    inbox = sent(open_page(url, "alerts"))
    assert (
        inbox["rows"] == []
        and "The queue is empty" in inbox["empty"]
        and "Nothing needs you now" in inbox["calm"]
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


def test_a_monitor_that_learns_has_no_chart_and_says_so(url: str) -> None:
    assert "The monitor is learning: 412 rows so far" in html(open_page(url, "monitors", name="host"))


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
    assert not at.exception and "open alerts" in html(at)
