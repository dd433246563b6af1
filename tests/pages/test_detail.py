from datetime import UTC, datetime
from typing import Any

import pytest
import seed
import sqlalchemy as sa

from dashboards.detail import detail
from dashboards.fields import Line
from dashboards.markup import render
from monitor.domain.errors import UnknownError
from monitor.domain.monitor import Monitor
from monitor.storage import inbox, tables
from monitor.storage.database import Database
from monitor.storage.inbox import Asked

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)
CARDS = Monitor.model_validate(seed.CARDS)


def shown(database: Database, asked: Asked) -> str:
    with database.read() as session:
        return detail(session, inbox.page(session, asked, 1)[0].public_id, "ana", datetime.now(UTC)).html


def test_a_card_shows_its_sentence_its_fields_and_dots_on_a_log_axis(fresh: Database) -> None:
    html = shown(fresh, Asked("fraud"))
    for part in (
        "above the expected",
        "never seen before",
        "rarer than 1 in 5,000 rows",
        "1 in 5,000 or odder",
        "log scale",
        "v41",
        "CE",
    ):
        assert part in html
    assert html.count('class="plane strip"') == 4  # three numbers and the entity's 90 days


def test_a_sensor_shows_a_line_in_its_band(fresh: Database) -> None:
    html = shown(fresh, Asked("plant"))
    assert 'class="line hot"' in html and "m³/h" in html and "First of the rows" in html


def test_a_provisional_alert_says_what_that_means(fresh: Database) -> None:
    assert "Provisional: the model learnt from these rows" in shown(fresh, Asked(words="card 1459"))


@pytest.mark.parametrize(
    "explanation", [[], [seed.part("amount", 1.0, None, None)], [seed.part("gone", 1.0, 3.0, 2.0)]]
)
def test_an_alert_with_little_to_show_is_shown(fresh: Database, explanation: list[dict[str, Any]]) -> None:
    with fresh.write() as session:
        session.execute(sa.update(tables.outliers).values(explanation=explanation))
    assert "what happened" in shown(fresh, Asked("fraud")).lower()


def test_an_alert_whose_rows_retention_took_is_shown(fresh: Database) -> None:
    with fresh.write() as session:
        for name in ("readings_card_payments", "readings_pump_line_3"):
            session.execute(sa.text(f"delete from {name}"))
    for queue in ("fraud", "plant"):
        assert "what happened" in shown(fresh, Asked(queue)).lower()


def test_an_alert_that_is_not_there_is_refused(fresh: Database) -> None:
    with fresh.read() as session, pytest.raises(UnknownError):
        detail(session, "nosuch", "ana", NOW)


@pytest.mark.parametrize(
    ("part", "actual", "place"),
    [
        (seed.part("merchant", 0.1, "shoes (unseen)", "fuel"), "shoes", "never seen before"),
        (seed.part("merchant", 0.1, "shoes", "fuel"), "shoes", "seen before"),
        (seed.part("distance", 0.1, None, 3.0), "missing", "missing"),
        (seed.part("at", 0.1, "Monday 14:02 (2026-03-02T14:02:00Z)", "Friday", kind="date"), "Monday 14:02", ""),
        ({**seed.part("night", 0.1, True, False), "kind": "boolean"}, "yes", ""),
    ],
)  # fmt: skip
def test_each_kind_of_field_is_written_in_its_own_words(
    part: dict[str, Any], actual: str, place: str
) -> None:
    line = Line.of(part, CARDS)
    assert (line.actual, line.place) == (actual, place)


def test_money_and_units_stand_with_their_numbers() -> None:
    money = Line.of(seed.part("amount", 0.5, 1940.0, 58.4, 12.0, 312.0), CARDS)
    assert (money.actual, money.expected, money.usual) == ("€1,940.00", "€58.40", "€12 – €312")
    below = Line.of(seed.part("slope", 0.5, -3.0, 6.0, -7.0, 8.0), CARDS)
    assert (below.actual, below.usual) == ("−3", "−7 to 8")
    distance = Line.of(seed.part("distance", 0.5, 38.0, 6.0, 0.0, 41.0), CARDS)
    assert (distance.actual, distance.usual, distance.outside) == ("38 km", "0 – 41 km", False)


def test_an_expected_value_outside_of_the_usual_is_explained(fresh: Database) -> None:
    assert "may lie outside of the usual" not in shown(fresh, Asked("plant"))
    with fresh.write() as session:
        odd = [seed.part("flow", 1.0, 39.0, 30.0, 37.9, 42.1, unit="m³/h")]
        session.execute(sa.update(tables.outliers).values(explanation=odd))
    assert "may lie outside of the usual" in shown(fresh, Asked("plant"))


def test_every_text_of_a_template_is_escaped() -> None:
    assert "<script>" not in render(
        "empty", asked=Asked(words="<script>"), figures=inbox.Figures(0, 0, {}, 0)
    )
