"""A trial of another budget agrees with the grouping that scoring does, and estimates what was never flagged."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
import pytest

from monitor.domain.alert import Outlier, Rule, group
from monitor.domain.monitor import Alerts
from monitor.jobs.trial import FALSE, NEW, OPEN, REAL, Trial
from monitor.jobs.trial import trial as try_budgets

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [START + timedelta(days=n) for n in range(30)]
RATE = 9_600  # rows a day: 100 a quarter of an hour


class Flagged(NamedTuple):
    """A stored outlier, as a trial reads it."""

    event_at: datetime
    entity: str | None
    p_value: float
    alert_id: int
    mark: int
    always: bool = False


class Stretch(NamedTuple):
    bin_at: datetime
    p_value: float
    rows: int
    flagged: int


def trial(rows: list[Flagged], stretches: list[Stretch], *rest: Any, **more: Any) -> Trial:
    frames = [
        pd.DataFrame(part, columns=kind._fields) for part, kind in ((rows, Flagged), (stretches, Stretch))
    ]
    return try_budgets(frames[0].astype({"always": bool}), frames[1], *rest, **more)


def bins(tops: dict[int, float] | None = None, flagged: set[int] = frozenset()) -> list[Stretch]:
    """30 days of quarter hours; ``tops``: the p-value of the oddest row of some."""
    tops = tops or {}
    return [
        Stretch(START + timedelta(minutes=15 * n), tops.get(n, 0.5), RATE // 96, int(n in flagged))
        for n in range(30 * 96)
    ]


def outliers(seed: int, entities: int, count: int = 400) -> list[Flagged]:
    draw = random.Random(seed)
    at = [START + timedelta(seconds=draw.randrange(30 * 86_400)) for _ in range(count)]
    return [
        Flagged(t, f"e{draw.randrange(entities)}", 10 ** -(2.7 + 3 * draw.random()), n, OPEN)
        for n, t in enumerate(at)
    ]


@pytest.mark.parametrize(("seed", "entities", "lasting"), [(0, 1, 0), (1, 3, 0), (2, 40, 0), (3, 2, 20)])
def test_the_replay_is_the_grouping_of_scoring(seed: int, entities: int, lasting: int) -> None:
    rows = outliers(seed, entities)
    alerts = Alerts(gap=timedelta(minutes=45), min_duration=timedelta(minutes=lasting))
    everywhere = set(range(30 * 96))
    found = trial(rows, bins(flagged=everywhere), alerts, [1, 5, 10, 20], DAYS, entities=True)
    for level in found.levels:
        assert level.cutoff == pytest.approx(level.budget / RATE)
        kept = [
            Outlier(n, f.entity, f.event_at, f.p_value, None, "", "", (), False)
            for n, f in enumerate(rows) if f.p_value <= level.cutoff
        ]  # fmt: skip
        rule = Rule(alerts.gap, alerts.min_duration, level.cutoff)
        opened = [c.alert for c in group(kept, [], [], rule) if c.alert.state == "open"]
        by_day = [sum(a.first_event_at.date() == day.date() for a in opened) for day in DAYS]
        assert [day[OPEN] for day in level.days] == by_day


def test_a_real_alert_is_shown_from_its_oddest_row_on_and_a_range_is_never_lost() -> None:
    rows = [
        Flagged(START, "a", 1e-3, 1, REAL), Flagged(START, "a", 1e-4, 1, REAL),
        Flagged(START, "b", 9e-4, 2, REAL), Flagged(START, "c", 0.4, 3, REAL, always=True),
        Flagged(START, "d", 1e-9, 4, FALSE),
    ]  # fmt: skip
    found = trial(rows, bins(flagged={0}), Alerts(), [1, 9], DAYS, entities=True)
    assert found.real == 3
    assert [level.real for level in found.levels] == [2, 3]
    assert found.levels[0].days[0] == [2, 1, 0, 0]


def test_a_group_counts_as_what_people_found_in_it() -> None:
    rows = [
        Flagged(START, None, 1e-5, 1, FALSE),
        Flagged(START + timedelta(minutes=5), None, 1e-6, 2, REAL),
    ]
    found = trial(rows, bins(flagged={0}), Alerts(), [20], DAYS, entities=False)
    assert found.levels[0].days[0] == [1, 0, 0, 0]


def test_what_was_never_flagged_is_estimated_near_the_truth() -> None:
    """Rows of many entities, p-values as calibrated: a budget five times as high brings five times the alerts."""
    draw = random.Random(5)
    rows, tops, flagged = [], {}, set()
    for n in range(30 * 96):
        for _ in range(RATE // 96):
            p = draw.random()
            tops[n] = min(p, tops.get(n, 1.0))
            if p <= 20 / RATE:
                flagged.add(n)
                rows.append(Flagged(START + timedelta(minutes=15 * n), f"e{len(rows)}", p, len(rows), OPEN))
    found = trial(rows, bins(tops, flagged), Alerts(), [20, 60, 100], DAYS, entities=True)
    a_day = [sum(map(sum, level.days)) / 30 for level in found.levels]
    assert a_day[0] == pytest.approx(len(rows) / 30)
    assert a_day[1] == pytest.approx(60, rel=0.1)
    assert a_day[2] == pytest.approx(100, rel=0.15)


def test_neighbouring_odd_stretches_of_one_series_are_one_alert() -> None:
    found = trial([], bins({10: 1e-3, 11: 1e-3, 12: 1e-3, 90: 1e-3}), Alerts(), [5, 20], DAYS, entities=False)
    assert [level.days[0][NEW] for level in found.levels] == [0, 2]


def test_what_the_floors_held_back_is_not_counted_as_new() -> None:
    tops = dict.fromkeys(range(0, 40, 10), 1e-3) | {50: 4e-3, 60: 4e-3}
    held = trial([], bins(tops, {0, 10}), Alerts(floor={"x": 5.0}), [20, 50], DAYS, True, threshold=2e-3)
    assert sum(held.levels[0].days[0]) == 0
    assert sum(held.levels[1].days[0]) == pytest.approx(2 * 0.5, rel=0.01)


def test_without_scores_there_is_nothing_to_try() -> None:
    found = trial([], [], Alerts(), [20], DAYS, entities=True)
    assert found.rows_per_day == 0 and found.levels[0].days[0] == [0, 0, 0, 0]
