"""Which scored rows the policy flags, as scoring does it and as the gate counts it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from monitor.domain import policy
from monitor.domain.monitor import Monitor
from monitor.domain.pace import Flags, Pace

Explanation = list[dict[str, Any]]


class Explains(Protocol):
    """What is needed of a detector."""

    def explain(
        self, frame: pd.DataFrame, rows: Sequence[int], context: pd.DataFrame | None = None
    ) -> list[Explanation]: ...


@dataclass(frozen=True)
class Before:
    """What earlier batches leave: the p-value at which the next row is flagged (None: the policy's own), and when
    each entity had its latest outlier.
    """

    level: float | None = None
    seen: Mapping[str | None, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Flagged:
    """flags: the flagged rows, all of which stand. cutoff: the policy's own p-value for the batch.

    explained: place -> fields, of the rows that were explained to see whether they stand.
    """

    flags: Flags
    cutoff: float
    explained: dict[int, Explanation]


def flag(
    detector: Explains,
    config: Monitor,
    rows: pd.DataFrame,
    previous: pd.DataFrame,
    scored: pd.DataFrame,
    rate: float,
    before: Before,
    outside: Collection[int] = (),
) -> Flagged:
    """Flag rows (n) in the order of arrival by their ``scored`` p_value and ready.

    A series drifts, so a budget over it is kept by a bar that moves; elsewhere all rows meet one cutoff. Only rows
    that stand count, or rows that nobody sees would raise the bar. ``rate``: rows a day; ``outside``: places of rows
    that are outliers whatever their p-value.
    """
    p_values, ready = scored["p_value"].to_numpy(), scored["ready"].to_numpy()
    cutoff = policy.cutoff(config.alerts, rate, p_values[ready].tolist())
    pace = policy.pace(config.alerts, rate) if config.kind == "sensor" else None
    near = np.flatnonzero(ready & (p_values <= (pace.most if pace else cutoff))).tolist()
    explained: dict[int, Explanation] = {}
    if policy.selective(config.alerts) and near:
        asked = sorted({*near, *outside})  # together: a series is forecast anew at each call
        explained = dict(zip(asked, detector.explain(rows, asked, context=previous), strict=True))
        near = [n for n in near if n in outside or policy.stands(explained[n], config.alerts)]
    if pace is None:
        return Flagged(Flags(dict.fromkeys(near, cutoff), cutoff, len(near)), cutoff, explained)
    flags = _paced(pace, rows, p_values, sorted({*near, *outside}), before, outside, cutoff)
    return Flagged(flags, cutoff, explained)


def _paced(
    pace: Pace,
    rows: pd.DataFrame,
    p_values: np.ndarray,
    places: list[int],
    before: Before,
    outside: Collection[int],
    cutoff: float,
) -> Flags:
    part = rows.iloc[places]
    entities = part["entity"].astype(object).where(part["entity"].notna(), None).to_numpy()
    times = part["event_at"].dt.to_pydatetime()
    asked = list(zip(places, p_values[places].tolist(), entities, times, strict=True))
    level = before.level or cutoff  # 0 is what a false-discovery rate that allowed no row had left
    return pace.flags(asked, len(rows), level, before.seen, outside)
