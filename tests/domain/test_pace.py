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
    found = Pace(MOST, RAISED * 20 / 7_200, GAP).flags(rows, len(rows), 0.003, {})
    assert 10 <= alerts(sorted(found.bars)) <= 30
    assert len(found.bars) < 1_500


def test_where_nothing_is_odd_no_budget_is_spent() -> None:
    found = Pace(MOST, 0.01, GAP).flags(stream([0.5] * 1_000), 1_000, 0.003, {})
    assert (found.bars, found.spent) == ({}, 0)
    assert found.level == pytest.approx(MOST)


def test_the_rows_of_one_alert_raise_the_bar_once() -> None:
    rows = stream([1e-6] * 5)
    found = Pace(MOST, 0.0, GAP).flags(rows, 5, 0.01, {})
    assert list(found.bars) == [0, 1, 2, 3, 4]
    assert found.level == pytest.approx(0.01 * 10**-RAISED)
    assert found.spent == 1


def test_an_alert_that_does_not_end_raises_the_bar_until_it_does() -> None:
    found = Pace(MOST, 0.01, GAP).flags(stream([1e-6] * 200), 200, 0.01, {})
    assert 30 < len(found.bars) < 60
    assert found.spent > 5


def test_an_alert_that_goes_on_from_the_last_batch_raises_nothing() -> None:
    before = {None: START - timedelta(minutes=2)}
    assert Pace(MOST, 0.0, GAP).flags(stream([1e-6]), 1, 0.01, before).level == pytest.approx(0.01)


def test_a_row_that_is_an_outlier_anyway_begins_an_alert_without_raising_the_bar() -> None:
    found = Pace(MOST, 0.0, GAP).flags(stream([0.9, 1e-6]), 2, 0.01, {}, always={0})
    assert (list(found.bars), found.level) == ([1], pytest.approx(0.01))


def test_a_late_row_does_not_put_back_when_its_entity_was_seen() -> None:
    rows: list[Row] = [(0, 1e-6, None, START - timedelta(hours=1)), (1, 1e-6, None, START)]
    found = Pace(MOST, 0.0, GAP).flags(rows, 2, 0.01, {None: START})
    assert found.level == pytest.approx(0.01 * 10**-RAISED)


def test_no_bar_is_higher_than_the_least_p_value() -> None:
    found = Pace(MOST, 1 / 100, GAP).flags(stream([0.5] * 100 + [1e-12]), 101, 0.0, {})
    assert list(found.bars) == [100]


def test_another_entity_is_another_alert_under_the_same_bar() -> None:
    rows = [(0, 1e-6, "a", START), (1, 0.009, "b", START)]
    found = Pace(MOST, 0.0, GAP).flags(rows, 2, 0.01, {})
    assert list(found.bars) == [0]


@pytest.mark.parametrize("cuts", [(1,), (100, 101, 350)])
def test_any_cut_of_the_stream_flags_the_same_rows(cuts: tuple[int, ...]) -> None:
    rows = stream([10 ** -(1 + (n * 37 % 101) / 25) for n in range(500)])
    keep = Pace(MOST, 0.005, GAP)
    whole = keep.flags(rows, 500, 0.01, {})
    found: dict[int, float] = {}
    level, seen = 0.01, dict[str | None, datetime]()
    for start, stop in pairwise([0, *cuts, 500]):
        part = [(n - start, p, entity, at) for n, p, entity, at in rows[start:stop]]
        flags = keep.flags(part, stop - start, level, seen)
        level = flags.level
        seen |= {None: rows[start + max(flags.bars)][3]} if flags.bars else {}
        found |= {start + n: bar for n, bar in flags.bars.items()}
    assert found == pytest.approx(whole.bars)
    assert level == pytest.approx(whole.level)


def test_only_a_budget_has_a_pace() -> None:
    assert pace(Alerts(p_value=0.01), 1_000) is None
    assert pace(Alerts(budget=20), 0) is None
    found = pace(Alerts(budget=20), 1_000)
    assert found is not None
    assert (found.most, found.fall) == (MOST, pytest.approx(RAISED * 0.02))
