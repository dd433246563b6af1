"""The inbox in a real browser: what a person presses is taken, once, and is found in the audit trail."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import seed
import sqlalchemy as sa
from browser import ARGUMENTS, CHROMIUM, require_chromium, serving, wait_until

from monitor.storage import audit, tables
from monitor.storage.database import Database

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'monitor.db'}")
    seed.fill(database)
    with database.write() as session:
        seed.hostile(seed.Seed(session, seed.datetime.now(seed.UTC)))
    yield database
    database.close()


@pytest.fixture(scope="module")
def address(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_chromium()
    with serving(str(database.url), tmp_path_factory.mktemp("elsewhere")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(address: str, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end no script has failed and no exception box was shown on any."""
    opened: list[tuple[Any, list[str]]] = []

    def go(path: str = "/alerts", width: int = 1440, height: int = 900, scheme: str = "light") -> Any:
        page = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        ).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}") or dialog.dismiss())
        opened.append((page, faults))
        page.goto(address + path)
        return page

    yield go
    for page, faults in opened:
        assert faults == []
        assert page.locator("[data-testid=stException]").count() == 0
        page.context.close()


def inbox(page: Any) -> Any:
    page.locator(".rows li").first.wait_for()
    page.locator("article h1").wait_for()
    return page


def selected(page: Any) -> str:
    return str(page.locator(".rows li[aria-selected=true]").get_attribute("data-id"))


def state(database: Database, public_id: str) -> str:
    with database.read() as session:
        alerts = tables.alerts.c
        return str(session.scalar(sa.select(alerts.state).where(alerts.public_id == public_id)))


def trail(database: Database, public_id: str) -> list[str]:
    with database.read() as session:
        assert audit.verify(session).broken is None
        return [entry.action for entry in reversed(audit.about(session, [f"alert:{public_id}"]))]


def test_a_verdict_by_key_and_its_undo_are_both_in_the_audit_trail(
    visit: Callable[..., Any], database: Database
) -> None:
    page = inbox(visit())
    first = selected(page)
    assert page.locator("article").get_attribute("aria-label") == f"alert {first}"
    assert page.locator(".fields tbody tr").count() >= 3 and page.locator(".chart svg").count() == 1
    page.keyboard.press("1")
    assert selected(page) != first
    wait_until(lambda: state(database, first) == "closed")
    assert "Marked True" in page.locator(".toast").inner_text()
    page.keyboard.press("z")
    assert selected(page) == first
    wait_until(lambda: state(database, first) == "open")
    assert trail(database, first) == ["alert.closed", "alert.reopened"]


def test_eight_verdicts_as_fast_as_a_hand_can_are_all_taken(
    visit: Callable[..., Any], database: Database
) -> None:
    page = inbox(visit())
    ids = page.locator(".rows li").evaluate_all("rows => rows.slice(0, 8).map(r => r.dataset.id)")
    for number in range(1, 9):
        page.keyboard.press(str(number))
    wait_until(lambda: all(state(database, i) == "closed" for i in ids))
    with database.read() as session:
        found = session.execute(
            sa.select(tables.alerts.c.public_id, tables.alerts.c.verdict).where(
                tables.alerts.c.public_id.in_(ids)
            )
        ).all()
    given = dict(tuple(r) for r in found)
    assert [given[i] for i in ids] == [
        "true", "expected", "valuable", "false", "new_normal", "data_problem", "wrong_team", "missed"
    ]  # fmt: skip
    for _ in range(8):
        page.keyboard.press("z")
    wait_until(lambda: all(state(database, i) == "open" for i in ids))


def test_j_and_k_move_and_the_alert_follows(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    third = page.locator(".rows li").nth(2).get_attribute("data-id")
    assert selected(page) == third
    page.locator(f"article[aria-label='alert {third}']").wait_for()
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert selected(page) == first


def test_keys_with_a_modifier_are_left_alone(visit: Callable[..., Any], database: Database) -> None:
    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("Control+1")
    page.keyboard.press("Alt+1")
    assert selected(page) == first and state(database, first) == "open"


def test_the_filter_asks_the_database_and_offers_to_clear_itself(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    page.keyboard.press("/")
    page.keyboard.type("line 3")
    page.locator(".rows li").nth(1).wait_for(state="detached")
    assert "line 3" in page.locator(".rows li").inner_text()
    page.keyboard.type("1 zebra")
    page.get_by_text("Nothing is selected").wait_for()
    page.get_by_text("Clear the filter").click()
    page.locator(".rows li").nth(5).wait_for()


def test_a_note_and_a_snooze_are_kept(visit: Callable[..., Any], database: Database) -> None:
    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("n")
    page.keyboard.type("1 called the customer")
    page.keyboard.press("Control+Enter")
    page.get_by_text("1 called the customer").wait_for()
    page.keyboard.press("s")
    page.keyboard.press("1")
    wait_until(lambda: state(database, first) == "snoozed")
    page.locator("[data-view=snoozed] span").get_by_text("1", exact=True).wait_for()
    assert not page.locator(f".rows [data-id='{first}']").count()
    page.keyboard.press("z")
    wait_until(lambda: state(database, first) == "open")
    assert trail(database, first)[-3:] == ["alert.noted", "alert.snoozed", "alert.reopened"]


def test_a_note_left_with_esc_stays_a_draft_of_its_alert(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    sheet = page.locator(".noting textarea")
    page.keyboard.press("n")
    page.keyboard.type("half a sentence")
    page.keyboard.press("Escape")
    assert not sheet.is_visible() and "N opens the draft" in page.locator(".toast").inner_text()
    page.keyboard.press("j")
    page.keyboard.press("n")
    assert sheet.input_value() == ""  # another alert's
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.reload()
    inbox(page)
    page.keyboard.press("n")
    assert sheet.input_value() == "half a sentence"
    page.keyboard.press("Control+Enter")
    page.get_by_text("half a sentence").wait_for()
    page.keyboard.press("n")
    assert sheet.input_value() == ""


def test_a_note_belongs_to_the_alert_it_was_begun_on(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    page.keyboard.press("n")
    page.keyboard.type("of the first")
    page.locator(".rows li").nth(2).click()
    assert not page.locator(".noting").is_visible()
    page.locator(".rows li").nth(0).click()
    page.keyboard.press("n")
    assert page.locator(".noting textarea").input_value() == "of the first"


def test_enter_in_the_filter_applies_it_and_gives_the_keys_back(
    visit: Callable[..., Any], database: Database
) -> None:
    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("/")
    page.keyboard.type("line 3")
    page.keyboard.press("Enter")
    page.keyboard.press("1")  # means the alert that the filter finds, even before it is there
    page.get_by_text("No alert has").wait_for()
    with database.read() as session:
        alerts = tables.alerts.c
        found = session.scalar(sa.select(alerts.public_id).where(alerts.entity == "line 3"))
    wait_until(lambda: state(database, found) == "closed")
    assert state(database, first) == "open"
    page.keyboard.press("z")
    wait_until(lambda: state(database, found) == "open")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.locator(".rows li").nth(5).wait_for()
    before = selected(page)
    page.keyboard.press("j")
    assert selected(page) != before


def test_the_address_follows_the_selection_without_a_history(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    steps = page.evaluate("history.length")
    page.keyboard.press("j")
    page.keyboard.press("j")
    third = selected(page)
    assert page.url.endswith(f"/alerts?alert={third}") and page.evaluate("history.length") == steps
    page.wait_for_timeout(600)  # the rerun that the selection asks for leaves it alone
    assert selected(page) == third and page.url.endswith(f"?alert={third}")
    page.reload()
    page.locator(f"article[aria-label='alert {third}']").wait_for()
    assert selected(page) == third


def test_a_link_to_no_alert_says_so_and_opens_no_other(visit: Callable[..., Any]) -> None:
    page = visit("/alerts?alert=<b>zzz")
    page.get_by_text("There is no alert “<b>zzz”").wait_for()
    assert page.locator("article").count() == 0 and page.locator("[aria-selected=true]").count() == 0
    page.keyboard.press("1")
    assert "takes no verdict" in page.locator(".toast").inner_text()
    page.get_by_text("Show the queue").click()
    inbox(page)
    assert page.url.endswith(f"?alert={selected(page)}")


def test_who_comes_second_is_told_who_was_first(visit: Callable[..., Any], database: Database) -> None:
    page = inbox(visit())
    first = selected(page)
    from monitor.jobs import review
    from monitor.storage import reviews

    now = seed.datetime.now(seed.UTC)
    with database.write() as session:
        alert = reviews.standing_of(session, first)
        review.review(session, alert.alert_id, "false", "ben", now, "other-hand")
    page.keyboard.press("1")
    page.get_by_text("was closed by ben as 'False'").wait_for()
    with database.write() as session:
        review.undo(session, "ben", now, action_key="other-hand")


def test_hostile_names_are_shown_and_do_nothing(visit: Callable[..., Any], database: Database) -> None:
    page = inbox(visit())
    page.keyboard.press("/")
    page.keyboard.type("hostile")
    row = page.locator(".rows li", has_text="<script>")
    row.click()
    page.locator("article", has_text=seed.HOSTILE).wait_for()
    assert page.evaluate("window.touched") is None
    assert page.locator("article img, article script").count() == 0


def test_new_alerts_wait_until_they_are_asked_for(visit: Callable[..., Any], database: Database) -> None:
    page = inbox(visit())
    before = page.locator(".rows li").count()
    with database.write() as session:
        fresh = seed.Seed(session, seed.datetime.now(seed.UTC), draw=seed.random.Random(99))
        flag = seed.Flag(
            seed.reading_id(2, 2000), fresh.now, 1e-9, [seed.part("flow", 1.0, 3.0, 40.0, 38.0, 42.0)]
        )
        fresh.alert(2, "plant", "line 9", [flag], 4, "flow is 3.", "flow 3", public_id="brandnew")
        fresh.flush()
    page.locator(".new", has_text="1 new").wait_for(timeout=20_000)
    assert page.locator(".rows li").count() == before
    page.keyboard.press("b")
    page.locator("[data-id=brandnew]").wait_for()


def test_a_link_opens_its_alert_and_says_its_state(visit: Callable[..., Any], database: Database) -> None:
    with database.write() as session:
        alerts = tables.alerts.c
        closed = session.scalar(sa.select(alerts.public_id).where(alerts.state == "closed").limit(1))
        suppressed = seed.Seed(session, seed.datetime.now(seed.UTC), draw=seed.random.Random(3))
        flag = seed.Flag(seed.reading_id(2, 9), suppressed.now, 1e-9, [seed.part("flow", 1.0, 3.0, 40.0)])
        suppressed.alert(2, "plant", "line 7", [flag], 4, "flow is 3.", "flow 3", public_id="oldnews",
                         state="suppressed", suppressed_by="replayed history")  # fmt: skip
        suppressed.flush()
    page = visit(f"/alerts?alert={closed}")
    page.locator(f"article[aria-label='alert {closed}']").wait_for()
    assert "closed as" in page.locator("article header").inner_text()
    page.keyboard.press("1")
    assert "This alert is closed" in page.locator(".toast").inner_text()
    page = visit("/alerts?alert=oldnews", 390, 844)
    page.get_by_text("Replayed history: it was older").wait_for()
    assert "suppressed" in page.locator("article header").inner_text()


def test_what_was_closed_is_found_and_its_verdict_taken_back(
    visit: Callable[..., Any], database: Database
) -> None:
    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("4")
    wait_until(lambda: state(database, first) == "closed")
    page.locator(".foot button", has_text="closed today").click()
    row = page.locator(f".rows li[data-id='{first}']")
    row.wait_for()
    assert "False" in row.inner_text() and "state=today" in page.evaluate("location.search")
    page.locator(".queues button", has_text="Last 7 days").click()
    page.wait_for_function("location.search.includes('state=closed')")
    row.click()
    page.get_by_text("by ana as False").wait_for()
    page.keyboard.press("1")
    assert "This alert is closed: it takes no verdict" in page.locator(".toast").inner_text()
    page.reload()
    page.get_by_text("Take the verdict back").click()
    wait_until(lambda: state(database, first) == "open")
    row.wait_for(state="detached")
    page.locator(".views button", has_text="Mine and free").click()
    row.wait_for()
    assert trail(database, first)[-2:] == ["alert.closed", "alert.reopened"]


def test_history_takes_a_verdict_by_key_and_gives_it_back(
    visit: Callable[..., Any], database: Database
) -> None:
    with database.write() as session:
        made = seed.Seed(session, seed.datetime.now(seed.UTC), draw=seed.random.Random(4))
        flag = seed.Flag(seed.reading_id(2, 10), made.now, 1e-9, [seed.part("flow", 1.0, 3.0, 40.0)])
        made.alert(2, "plant", "line 8", [flag], 4, "flow is 3.", "flow 3", public_id="history",
                   state="suppressed", suppressed_by="replayed history")  # fmt: skip
        made.flush()
    page = visit("/alerts?state=suppressed&alert=history")
    page.get_by_text("Replayed history: it was older").wait_for()
    page.keyboard.press("8")
    wait_until(lambda: state(database, "history") == "closed")
    page.keyboard.press("z")
    wait_until(lambda: state(database, "history") == "suppressed")


def test_an_alerts_entity_is_muted_by_a_dialog_and_undone_by_a_key(
    visit: Callable[..., Any], database: Database
) -> None:
    def reasons() -> list[str]:
        s = tables.suppressions.c
        with database.read() as session:
            return list(session.scalars(sa.select(s.reason)))

    page = inbox(visit())
    first = selected(page)
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    assert page.locator(".muting").is_visible()  # not without a reason
    page.keyboard.type("1 new till")
    page.keyboard.press("Enter")
    page.get_by_text("End now").wait_for()
    assert "is muted until" in page.locator("article").inner_text() and selected(page) == first
    assert reasons() == ["1 new till"] and state(database, first) == "open"
    page.keyboard.press("z")
    page.get_by_text("End now").wait_for(state="detached")
    assert trail(database, first)[-1:] != ["alert.closed"] and selected(page) == first
    page.keyboard.press("m")
    page.locator(".muting [value=yes]").check()
    page.locator(".muting [name=reason]").fill("all of it")
    page.locator(".muting button", has_text="Mute").click()
    page.get_by_text("End now").wait_for()
    page.goto(page.url.partition("/alerts")[0] + "/monitors?name=card-payments")
    page.get_by_text("0 alerts suppressed by this mute").wait_for()
    page.get_by_text("End now").click()
    page.get_by_text("is over: what comes from now on is shown again").wait_for()
    assert page.get_by_text("End now").count() == 0


def test_a_version_is_promoted_only_after_its_question_and_with_the_reason_given(
    visit: Callable[..., Any], database: Database
) -> None:
    runs = tables.runs.c

    def requests() -> list[Any]:
        with database.read() as session:
            asked = sa.select(runs.counts).where(runs.job == "promote", runs.state == "queued")
            return list(session.scalars(asked))

    page = visit("/monitors?name=card-payments")
    page.get_by_text("Promote v40").click()
    page.get_by_text("in place of v41").wait_for()
    page.get_by_text("Cancel").click()
    page.get_by_text("in place of v41").wait_for(state="detached")
    assert requests() == []
    page.get_by_text("Promote v40").click()
    page.locator("input[name=why]").fill("it: not ours")
    page.locator(".question .yes").click()
    page.get_by_text("The change of version is queued.").wait_for()
    assert [counts["why"] for counts in requests()] == ["it: not ours"]


def test_a_budget_is_tried_on_the_slider_set_by_its_button_and_undone_by_one_press(
    visit: Callable[..., Any], database: Database
) -> None:
    def rule() -> Any:
        monitors = tables.monitors.c
        with database.read() as session:
            return session.scalar(sa.select(monitors.document).where(monitors.name == "card-payments"))[
                "alerts"
            ]

    page = visit("/monitors?name=card-payments")
    slider = page.locator(".budget input")
    slider.wait_for()
    days = page.locator(".budget figure")
    before, shown = rule(), days.inner_html()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".budget output").inner_text() == "24"
    assert days.inner_html() != shown and rule() == before
    page.get_by_role("button", name="Set budget to 24 a day").click()
    page.get_by_text("20 alerts a day became 24 alerts a day, by ana").wait_for()
    assert rule() == before | {"budget": 24.0}
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("24 alerts a day became 20 alerts a day, by ana").wait_for()
    assert rule() == before and page.locator(".budget output").inner_text() == "20"


def test_a_sensors_slider_moves_the_line_alone_and_its_button_sets_the_budget(
    visit: Callable[..., Any], database: Database
) -> None:
    page = visit("/monitors?name=pump-line-3")
    page.locator(".budget input").wait_for()
    bars = page.locator(".budget .plot .day")
    before = [bar.get_attribute("title") for bar in bars.all()]
    page.locator(".budget input").focus()
    page.keyboard.press("ArrowRight")
    assert [bar.get_attribute("title") for bar in bars.all()] == before
    assert page.get_by_text("so none is tried").is_visible()
    assert not page.get_by_text("new, estimated").is_visible()
    page.get_by_role("button", name="Set budget to").click()
    page.get_by_text("alerts a day, by ana").wait_for()


def test_the_slider_gives_each_factor_the_same_way(visit: Callable[..., Any]) -> None:
    page = visit("/monitors?name=card-payments", 390, 844)
    slider = page.locator(".budget input")
    slider.wait_for()
    shown = []
    for part in (0.0, 0.5, 1.0):
        slider.evaluate(
            "(input, part) => { input.value = part * input.max; input.dispatchEvent(new Event('input')) }",
            part,
        )
        shown.append(page.locator(".budget output").inner_text())
    assert shown == ["1", "10", "100"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/alerts",
        "/monitors",
        "/monitors?name=card-payments",
        "/runs",
        "/monitors?name=card-payments&version=41",
        "/monitors?name=card-payments&version=41&left=all",
    ],
)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_every_page_shows_in_the_dark_and_on_a_phone(
    visit: Callable[..., Any], path: str, width: int, scheme: str
) -> None:
    page = visit(path, width, 844, scheme)
    box = page.locator(".page h1, .inbox .rows li").first
    box.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert dark == ("rgb(17, 22, 28)" if scheme == "dark" else "rgb(255, 255, 255)")


def test_the_overview_leads_to_the_alerts_it_does_not_name(visit: Callable[..., Any]) -> None:
    page = visit("/")
    page.get_by_text("more open alerts:").click()
    inbox(page)
    assert "/alerts" in page.url
    page.get_by_role("link", name="Overview").click()
    page.locator(".card", has_text="card-payments").nth(1).click()
    page.locator("article h1").wait_for()
    assert (
        selected(page) in page.url
        and page.locator(f"article[aria-label='alert {selected(page)}']").count() == 1
    )
    assert page.locator(".rows li").nth(1).get_attribute("aria-selected") == "true"


def test_on_a_phone_queue_and_alert_are_two_screens(visit: Callable[..., Any]) -> None:
    page = visit("/alerts", 390, 844)
    page.locator(".rows li").nth(1).click()
    page.locator("article h1").wait_for()
    assert not page.locator(".rows").is_visible()
    page.get_by_text("Queue", exact=True).click()
    assert page.locator(".rows").is_visible()


def test_on_a_phone_every_act_is_in_reach_of_a_thumb(visit: Callable[..., Any], database: Database) -> None:
    page = visit("/alerts", 390, 844)
    page.locator(".rows li").nth(1).click()
    page.locator("article h1").wait_for()
    second = page.url.partition("=")[2]
    buttons = page.locator(".keys button:visible")
    assert buttons.count() == 5 and not page.locator("kbd:visible").count()
    page.get_by_text("More", exact=True).click()
    for button in [
        *page.locator(".keys button:visible").all(),
        *page.locator(".others button:visible").all(),
    ]:
        assert button.bounding_box()["height"] >= 44
    assert not page.locator("kbd:visible").count()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".others").get_by_text("snooze").click()
    page.locator(".toast [data-snooze='2']").click()
    wait_until(lambda: state(database, second) == "snoozed")
    page.locator(".toast").get_by_text("undo").click()
    wait_until(lambda: state(database, second) == "open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_rows_of_an_alert_are_seen_to_their_last_column(visit: Callable[..., Any], scheme: str) -> None:
    page = inbox(visit("/alerts", scheme=scheme))
    page.locator(".detail").evaluate(
        "detail => detail.querySelectorAll('.narrow .plain td:not(:first-child):not(:last-child)')"
        ".forEach((cell) => { cell.textContent = 'international_transfer' })"
    )
    over = page.locator(".detail .narrow table").evaluate_all(
        "tables => tables.map((t) => t.getBoundingClientRect().right - t.parentElement.getBoundingClientRect().right)"
    )
    assert over and max(over) <= 1


@pytest.mark.parametrize("width", [1024, 1280, 1366])
def test_a_fields_name_keeps_its_room_on_a_small_screen(visit: Callable[..., Any], width: int) -> None:
    page = inbox(visit("/alerts", width, 800))
    room = page.locator(".fields td:first-child").first.evaluate("cell => cell.getBoundingClientRect().width")
    overhang = page.locator(".detail").evaluate("detail => detail.scrollWidth - detail.clientWidth")
    assert room >= 120
    assert overhang <= 0


def test_the_side_padding_reaches_streamlits_frame(visit: Callable[..., Any]) -> None:
    page = inbox(visit())
    padding = page.evaluate("getComputedStyle(document.querySelector('.stMainBlockContainer')).paddingLeft")
    assert padding == "14px"


def test_the_dashboard_stops_with_a_browser_open(chromium: Any, url: str, tmp_path: Path) -> None:
    with serving(url, tmp_path) as (address, process):
        page = chromium.new_page()
        page.goto(f"{address}/alerts")
        page.locator(".rows li").first.wait_for()
        process.terminate()
        assert process.wait(10) == 0
        page.close()
