"""Which p-values become outliers: a budget of alerts a day, a false-discovery rate, or a fixed level."""

from collections.abc import Sequence
from typing import Any

from monitor.domain.monitor import Alerts, Fields
from monitor.domain.pace import RAISED, Pace

MOST = 0.05  # no policy flags a row that is as odd as one normal row in twenty
SINCE = "seconds since last"  # the field of an entity's past that falls where more happens


def cutoff(alerts: Alerts, rows_per_day: float, p_values: Sequence[float]) -> float:
    """The p-value at or below which a row is flagged.

    A budget of b alerts a day over n rows a day is spent at p = b/n: so many normal rows a day are as odd as that.
    A false-discovery rate q takes the largest p of the batch that the step-up rule allows
    (Benjamini and Hochberg, 1995, procedure 1).

    >>> cutoff(Alerts(budget=20), 10_000, [])
    0.002
    >>> cutoff(Alerts(fdr=0.1), 0, [0.001, 0.02, 0.9])
    0.02
    """
    if alerts.p_value is not None:
        return alerts.p_value
    if alerts.fdr is not None:
        ordered = sorted(p_values)
        allowed = [p for k, p in enumerate(ordered, 1) if p <= k / len(ordered) * alerts.fdr]
        return min(MOST, allowed[-1]) if allowed else 0.0
    assert alerts.budget is not None
    return min(MOST, alerts.budget / rows_per_day) if rows_per_day > 0 else 0.0


def pace(alerts: Alerts, rows_per_day: float) -> Pace | None:
    """How a budget is kept over a series whose normal may drift; None where the policy is no budget."""
    if alerts.budget is None or rows_per_day <= 0:
        return None
    return Pace(MOST, RAISED * alerts.budget / rows_per_day, alerts.gap)


def per_day(alerts: Alerts, rows_per_day: float) -> float:
    """Alerts a day that the rule allows on normal rows."""
    if alerts.budget is not None:
        return alerts.budget
    return (alerts.p_value or 0.01) * rows_per_day


def selective(alerts: Alerts) -> bool:
    """Whether the rule on direction and the floors may hold a row back (see ``stands``)."""
    return bool(alerts.floor) or alerts.direction != "both"


def stands(explanation: Sequence[dict[str, Any]], alerts: Alerts) -> bool:
    """Whether a row passes the rule on direction and the floors. What is no number has neither.

    direction: of its strongest field, but for truths and the time since the last row, which falls in a burst.
    floor:     of its strongest column of the source, truths aside: a part marked ``derived`` has other units.
    """
    parts = [p for p in explanation if not isinstance(p.get("actual"), bool)]
    off = _off(next((p for p in parts if not (p.get("derived") and p["field"] == SINCE)), {}))
    if off is not None and (
        (alerts.direction == "up" and off <= 0) or (alerts.direction == "down" and off >= 0)
    ):
        return False
    own = next((p for p in parts if not p.get("derived")), {})
    off = _off(own)
    return off is None or abs(off) >= alerts.floor.get(str(own["field"]), 0.0)


def _off(part: dict[str, Any]) -> float | None:
    """How far above what was expected; None where it is no number."""
    actual, expected = part.get("actual"), part.get("expected")
    if not isinstance(actual, int | float) or not isinstance(expected, int | float):
        return None
    return actual - expected


def outside(row: dict[str, Any], fields: Fields) -> list[str]:
    """The fields of a row that leave their configured range, whatever the model says."""
    left = []
    for name, (low, high) in fields.range.items():
        value = row.get(name)
        if not isinstance(value, int | float) or value != value:
            continue
        if (low is not None and value < low) or (high is not None and value > high):
            left.append(name)
    return left
