"""A budget of alerts kept by a bar that moves: each alert raises it, and time brings it down again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.alert import oddness

RAISED = 0.5  # factors of ten that a new alert must be odder than the last
LASTING = (
    10.0  # an alert that goes on for a tenth of the time the budget allows for one costs as much as another
)

Row = tuple[int, float, str | None, datetime]  # place, p-value, entity, time


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
        self, rows: Iterable[Row], count: int, level: float, seen: Mapping[str | None, datetime]
    ) -> tuple[dict[int, float], float]:
        """The flagged rows with the p-value each had to reach, and the bar after ``count`` rows.

        ``rows``: in the order of arrival; those with a p-value above ``most`` may be left out. ``level``: the bar
        before them; ``seen``: when each entity was last flagged. A row near to such a time belongs to its alert.
        Going on with what this gives is the same as one pass over all.
        """
        rest, found, last = oddness(self.most), {}, dict(seen)
        bar, since = max(oddness(level), rest), 0  # the bar as it was at place ``since``
        for place, p_value, entity, at in rows:
            bar, since = max(rest, bar - self.fall * (place - since)), place
            if oddness(p_value) < bar:
                continue
            found[place] = 10**-bar
            fresh = entity not in last or abs(at - last[entity]) > self.gap
            bar += RAISED if fresh else LASTING * self.fall
            last[entity] = at
        return found, 10 ** -max(rest, bar - self.fall * (count - since))
