"""Versions on the pages: every decision is told, a press asks first, and rows left out can be opened."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import seed
import sqlalchemy as sa

from dashboards import registry
from dashboards.views import monitors, versions
from monitor.domain.monitor import Monitor
from monitor.domain.version import GATE, Step, kept
from monitor.storage import pages, tables
from monitor.storage.database import Database

V = tables.versions.c
NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)


@pytest.fixture
def database(database: Database) -> Database:
    seed.fill(database, NOW, days=2)
    return database


@pytest.fixture
def asked(database: Database) -> Callable[[str | None], Any]:
    config = Monitor.model_validate(seed.CARDS)

    def ask(asking: str | None) -> Any:
        with database.read() as session:
            return registry.question(session, config, 1, asking)

    return ask


def page(database: Database, asking: str | None = None) -> str:
    with database.read() as session:
        found = pages.fleet(session, "card-payments")[0]
        return "".join(monitors.compose(session, found, 1, "", NOW, asking))


def left_out(database: Database, number: int, reason: str = "all", at: str = "0") -> str:
    with database.read() as session:
        return versions.compose_left_out(session, "card-payments", number, reason, at, NOW)


def test_the_list_tells_every_decision_with_who_when_and_why(database: Database) -> None:
    with database.write() as session:
        gate = Step("rejected", GATE, NOW, "finds fewer planted faults")
        hand = Step("promoted", "ana", NOW, "these faults are not ours", other=41)
        session.execute(sa.update(tables.versions).where(V.number == 40).values(decision=kept([gate, hand])))
    html = page(database)
    newest = html.index("promoted over v41 by ana, 16:30 CEST</b>: these faults are not ours")
    assert newest < html.index("rejected by the gate, 16:30 CEST</b>: finds fewer planted faults")


@pytest.mark.parametrize(
    ("asking", "title", "undo"),
    [
        ("promote:40", "Promote v40?", "Undo: promote v41."),
        ("promote:39", "Roll back to v39?", "Undo: promote v41."),
        ("pin:41", "Pin v41?", "Undo: unpin it."),
    ],
)
def test_a_press_is_first_answered_with_its_effect_and_its_undo(
    asked: Callable[[str | None], Any], asking: str, title: str, undo: str
) -> None:
    question = asked(asking)
    assert (question.title, question.undo, question.go) == (title, undo, f"do:{asking}")
    assert "v41" in question.effect


@pytest.mark.parametrize(
    "asking", [None, "", "promote:41", "promote:7", "unpin:41", "pin:40", "drop:40", "promote:x"]
)
def test_what_cannot_be_done_is_not_asked(asked: Callable[[str | None], Any], asking: str | None) -> None:
    assert asked(asking) is None


def test_rows_left_out_are_opened_by_reason_and_page(database: Database) -> None:
    html = left_out(database, 41)
    assert "left out 61 rows" in html and "1 to 50 of 61" in html and "k60" in html and "k1<" not in html
    assert "row 1099512627775, no longer stored" in html
    assert "k1<" in left_out(database, 41, at="1")
    few = left_out(database, 41, reason="1")
    assert few.count("<td>not reviewed yet") == 3 and "<td>confirmed" not in few


def test_a_row_left_out_leads_to_its_alert(database: Database) -> None:
    with database.read() as session:
        row = session.execute(
            sa.select(tables.outliers.c.reading_id, tables.alerts.c.public_id)
            .join_from(tables.outliers, tables.alert_members)
            .join(tables.alerts)
            .limit(1)
        ).one()
    with database.write() as session:
        few = seed.LEFT | {"left_out_rows": [row.reading_id], "left_out_why": [0]}
        session.execute(sa.update(tables.versions).where(V.number == 41).values(manifest=few))
    assert f'data-go="alert:{row.public_id}"' in left_out(database, 41)


def test_a_manifest_of_an_earlier_release_says_what_it_lacks(database: Database) -> None:
    html = left_out(database, 39)
    assert "did not keep which reason was whose" in html and "k7" in html and "k8" in html


@pytest.mark.parametrize(("reason", "at"), [("9", "0"), ("all", "99"), ("x", "-1"), ("9" * 5000, "9" * 5000)])
def test_an_address_that_is_none_shows_what_there_is(database: Database, reason: str, at: str) -> None:
    assert "left out 61 rows" in left_out(database, 41, reason, at)
