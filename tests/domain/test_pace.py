"""A budget kept by a bar that moves."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.domain.monitor import Alerts
from monitor.domain.pace import RAISED, Pace, Row
from monitor.domain.policy import MOST, pace

START = datetime(2026, 3, 1, tzinfo=UTC)
GAP = timedelta(minutes=10)


def stream(p_values: list[float], entity: str | None = None) -> list[Row]:
    return [(n, p, entity, START + timedelta(minutes=n)) for n, p in enumerate(p_values)]


def alerts(places: list[int]) -> int:
    return sum(later - earlier > 10 for earlier, later in pairwise([-99, *places]))


@pytest.mark.parametrize("p", [1e-12, 1e-3, 0.02])
def test_drifted_rows_that_are_all_odd_give_about_as_many_alerts_as_the_budget(p: float) -> None:
    rows = stream([p * (1 + n % 7) for n in range(7_200)])
    found, _ = Pace(MOST, RAISED * 20 / 7_200, GAP).flags(rows, len(rows), 0.003, {})
    assert 10 <= alerts(sorted(found)) <= 30
    assert len(found) < 1_500


def test_where_nothing_is_odd_no_budget_is_spent() -> None:
    found, level = Pace(MOST, 0.01, GAP).flags(stream([0.5] * 1_000), 1_000, 0.003, {})
    assert not found
    assert level == pytest.approx(MOST)


def test_the_rows_of_one_alert_raise_the_bar_once() -> None:
    rows = stream([1e-6] * 5)
    found, level = Pace(MOST, 0.0, GAP).flags(rows, 5, 0.01, {})
    assert list(found) == [0, 1, 2, 3, 4]
    assert level == pytest.approx(0.01 * 10**-RAISED)


def test_an_alert_that_does_not_end_raises_the_bar_until_it_does() -> None:
    found, _ = Pace(MOST, 0.01, GAP).flags(stream([1e-6] * 200), 200, 0.01, {})
    assert 30 < len(found) < 60


def test_an_alert_that_goes_on_from_the_last_batch_raises_nothing() -> None:
    before = {None: START - timedelta(minutes=2)}
    _, level = Pace(MOST, 0.0, GAP).flags(stream([1e-6]), 1, 0.01, before)
    assert level == pytest.approx(0.01)


def test_another_entity_is_another_alert_under_the_same_bar() -> None:
    rows = [(0, 1e-6, "a", START), (1, 0.009, "b", START)]
    found, _ = Pace(MOST, 0.0, GAP).flags(rows, 2, 0.01, {})
    assert list(found) == [0]


@pytest.mark.parametrize("cuts", [(1,), (100, 101, 350)])
def test_any_cut_of_the_stream_flags_the_same_rows(cuts: tuple[int, ...]) -> None:
    rows = stream([10 ** -(1 + (n * 37 % 101) / 25) for n in range(500)])
    keep = Pace(MOST, 0.005, GAP)
    whole, end = keep.flags(rows, 500, 0.01, {})
    found: dict[int, float] = {}
    level, seen = 0.01, dict[str | None, datetime]()
    for start, stop in pairwise([0, *cuts, 500]):
        part = [(n - start, p, entity, at) for n, p, entity, at in rows[start:stop]]
        flags, level = keep.flags(part, stop - start, level, seen)
        seen |= {None: rows[start + max(flags)][3]} if flags else {}
        found |= {start + n: bar for n, bar in flags.items()}
    assert found == pytest.approx(whole)
    assert level == pytest.approx(end)


def test_only_a_budget_has_a_pace() -> None:
    assert pace(Alerts(p_value=0.01), 1_000) is None
    assert pace(Alerts(budget=20), 0) is None
    found = pace(Alerts(budget=20), 1_000)
    assert found is not None
    assert (found.most, found.fall) == (MOST, pytest.approx(RAISED * 0.02))
