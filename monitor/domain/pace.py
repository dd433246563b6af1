"""A budget of alerts kept by a bar that moves: each alert raises it, and time brings it down again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.alert import oddness

RAISED = 0.5  # factors of ten that a new alert must be odder than the last
LASTING = (
    10.0  # an alert that goes on for a tenth of the time the budget allows for one costs as much as another
)
HIGHEST = 13.0  # no p-value is below 1e-12, so no alert lifts the bar further
TIE = 1e-9  # what a bar may lose by being stored between batches

Row = tuple[int, float, str | None, datetime]  # place, p-value, entity, time


@dataclass(frozen=True)
class Flags:
    """bars: the places of flagged rows with the p-value each had to reach. level: the p-value at which the next
    row would be flagged. spent: how much of a budget they cost, in alerts.
    """

    bars: dict[int, float]
    level: float
    spent: float


@dataclass(frozen=True)
class Pace:
    """``most``: the p-value at which the bar rests. ``fall``: factors of ten it comes down a row.

    It comes down by RAISED in the time in which the budget allows one alert. Over n rows there are then as many
    alerts as the budget allows, but for what the bar has risen since, however far the scores may have drifted
    (online quantile tracking; Gibbs & Candès 2021). Where less is odd than the budget allows, the bar rests.
    """

    most: float
    fall: float
    gap: timedelta

    def flags(
        self,
        rows: Iterable[Row],
        count: int,
        level: float,
        seen: Mapping[str | None, datetime],
        always: Collection[int] = (),
    ) -> Flags:
        """What of ``rows`` reaches the bar, and the bar after ``count`` rows.

        ``rows``: in the order of arrival, only such as become outliers where they reach it; those with a p-value
        above ``most`` may be left out. ``level``: the bar before them; ``seen``: the latest time at which each
        entity had an outlier; ``always``: places of ``rows`` that are outliers whether they reach the bar or not. A
        row near to the latest outlier of its entity belongs to its alert. Going on with what this gives is the same
        as one pass over all.
        """
        rest, bars, last, spent = oddness(self.most), dict[int, float](), dict(seen), 0.0
        bar, since = min(HIGHEST, max(oddness(level), rest)), 0  # the bar as it was at place ``since``
        for place, p_value, entity, at in rows:
            bar, since = max(rest, bar - self.fall * (place - since)), place
            reached = oddness(p_value) >= bar - TIE
            if reached:
                bars[place] = 10**-bar
                fresh = entity not in last or abs(at - last[entity]) > self.gap
                cost = RAISED if fresh else LASTING * self.fall
                bar, spent = min(HIGHEST, bar + cost), spent + cost / RAISED
            if reached or place in always:
                last[entity] = max(at, last.get(entity, at))
        return Flags(bars, 10 ** -max(rest, bar - self.fall * (count - since)), spent)
