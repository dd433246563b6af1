"""What another alert budget would have meant for days that are over: pure, from stored outliers and bins.

At or below the threshold in force every flagged row is stored, and the grouping into alerts is replayed on them.
Above it nothing was flagged, but the oddest row of each quarter of an hour is known: each such bin without a flagged
row, whose oddest row the trial's threshold would flag, is taken as a new row. Where rows have entities, more than one
row of a bin may be odd, each of another entity: rows that come independently at random are assumed for these.
"""

import math
from bisect import bisect_right, insort
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from monitor.domain import policy
from monitor.domain.monitor import Alerts

Mark = Literal["real", "open", "false", "new"]
MARKS: tuple[Mark, ...] = ("real", "false", "open", "new")  # what an alert counts as when its rows differ
BIN = timedelta(minutes=15)


@dataclass(frozen=True)
class Flagged:
    """A stored outlier; ``alert`` is the alert it is in and ``mark`` what became of that.

    always: flagged whatever the threshold, since a field left its range.
    """

    at: datetime
    entity: str | None
    p_value: float
    alert: int
    mark: Mark
    always: bool = False


@dataclass(frozen=True)
class Stretch:
    """A quarter of an hour of scores: its oddest row, how many rows it has and how many were flagged."""

    at: datetime
    p_value: float
    rows: int
    flagged: int


@dataclass(frozen=True)
class Level:
    """One budget tried on the days.

    cutoff: the p-value it comes to; capped: the policy flags no more, whatever the budget.
    days: for each day alerts that were real, not reviewed, false, and estimated new ones.
    real: alerts that people found real and that it would have shown.
    """

    budget: float
    cutoff: float
    capped: bool
    days: list[tuple[int, int, int, float]]
    real: int


@dataclass(frozen=True)
class Trial:
    """All budgets on the same days; ``real``: alerts of these days that people found real."""

    levels: list[Level]
    real: int
    rows_per_day: float


@dataclass
class _Group:
    first: datetime
    last: datetime
    marks: dict[Mark, int] = field(default_factory=dict)

    def __lt__(self, other: "_Group") -> bool:
        return self.first < other.first


def trial(
    flagged: Sequence[Flagged],
    bins: Sequence[Stretch],
    alerts: Alerts,
    budgets: Iterable[float],
    midnights: Sequence[datetime],
    entities: bool,
    threshold: float | None = None,
) -> Trial:
    """Try each of ``budgets`` (alerts a day, rising); ``midnights`` are the days' beginnings, oldest first.

    entities: whether rows belong to many entities; threshold: the p-value in force.
    """
    stand = _standing(bins, alerts, threshold)
    if stand < 1:
        bins = [b for b in bins if b.flagged or b.p_value > (threshold or 0)]
    rate = rows_per_day(bins)
    odd, hidden = sorted((b for b in bins if not b.flagged), key=lambda b: b.p_value), _Hidden(bins)
    rows: list[tuple[float, datetime, Hashable, Mark]] = sorted(
        ((0.0 if f.always else f.p_value, f.at, f.entity, f.mark) for f in flagged), key=lambda r: r[:2]
    )
    if not entities:
        rows = sorted([*rows, *((b.p_value, b.at, None, "new") for b in odd)], key=lambda r: r[:2])
    best = real(flagged)
    days, levels, taken, seen = _Days(midnights, alerts), [], 0, 0
    extra = [0] * len(midnights)
    for budget in budgets:
        cutoff = policy.cutoff(Alerts(budget=budget), rate, [])
        while taken < len(rows) and rows[taken][0] <= cutoff:
            days.add(*rows[taken][1:])
            taken += 1
        while entities and seen < len(odd) and odd[seen].p_value <= cutoff:
            if (day := days.of(odd[seen].at)) is not None:
                extra[day] += 1
            seen += 1
        more = stand * (hidden.factor(cutoff) if entities else 1.0)
        counts = [(c["real"], c["open"], c["false"], (c["new"] + n) * more)
                  for c, n in zip(days.counts, extra, strict=True)]  # fmt: skip
        shown = sum(p <= cutoff for p in best)
        levels.append(Level(budget, cutoff, rate > 0 and budget / rate > policy.MOST, counts, shown))
    return Trial(levels, len(best), rate)


def rows_per_day(bins: Sequence[Stretch]) -> float:
    """Over the time from the first bin's beginning to the last one's end."""
    if not bins:
        return 0.0
    span = max(b.at for b in bins) - min(b.at for b in bins) + BIN
    return sum(b.rows for b in bins) / (span / timedelta(days=1))


def real(flagged: Iterable[Flagged]) -> list[float]:
    """Of each alert that people found real, the p-value from which on it is shown."""
    best: dict[int, float] = {}
    for f in flagged:
        if f.mark == "real":
            best[f.alert] = min(best.get(f.alert, 1.0), 0.0 if f.always else f.p_value)
    return list(best.values())


def _standing(bins: Sequence[Stretch], alerts: Alerts, threshold: float | None) -> float:
    """Share of odd rows that floors and direction let pass, as it was at the threshold in force."""
    odd = [b for b in bins if b.p_value <= (threshold or 0)]
    if not odd or not (alerts.floor or alerts.direction != "both"):
        return 1.0
    return sum(b.flagged > 0 for b in odd) / len(odd)


class _Hidden:
    """How many rows lie below a threshold for each bin whose oddest row does.

    With h of B bins hit by rows that come independently, -B ln(1 - h/B) rows came.
    """

    def __init__(self, bins: Sequence[Stretch]) -> None:
        self.tops = sorted(b.p_value for b in bins)

    def factor(self, cutoff: float) -> float:
        hit, of = bisect_right(self.tops, cutoff), len(self.tops)
        return -of / hit * math.log1p(-hit / of) if 0 < hit < of else 1.0


class _Days:
    """Alerts a day while rows are added one by one: the same grouping as ``alert.group``, in any order."""

    def __init__(self, midnights: Sequence[datetime], alerts: Alerts) -> None:
        self.midnights, self.gap, self.lasting = midnights, alerts.gap, alerts.min_duration
        self.least = int(alerts.of.split("/")[0])
        self.groups: dict[Hashable, list[_Group]] = {}
        self.counts: list[dict[Mark, int]] = [dict.fromkeys(MARKS, 0) for _ in midnights]

    def of(self, at: datetime) -> int | None:
        day = bisect_right(self.midnights, at) - 1
        return day if day >= 0 else None

    def add(self, at: datetime, entity: Hashable, mark: Mark) -> None:
        mine = self.groups.setdefault(entity, [])
        group, place = _Group(at, at, {mark: 1}), bisect_right(mine, at, key=lambda g: g.first)
        for n in (place, place - 1):  # the one after, then the one before
            if (
                0 <= n < len(mine)
                and mine[n].first - self.gap <= group.last
                and group.first <= mine[n].last + self.gap
            ):
                joined = mine.pop(n)
                self._count(joined, -1)
                group = _Group(
                    min(group.first, joined.first), max(group.last, joined.last), _sum(group, joined)
                )
        insort(mine, group)
        self._count(group, 1)

    def _count(self, group: _Group, by: int) -> None:
        day = self.of(group.first)
        if day is None or group.last - group.first < self.lasting or sum(group.marks.values()) < self.least:
            return
        self.counts[day][next(m for m in MARKS if m in group.marks)] += by


def _sum(one: _Group, other: _Group) -> dict[Mark, int]:
    return {m: one.marks.get(m, 0) + other.marks.get(m, 0) for m in {**one.marks, **other.marks}}
