"""How often samples come: what is a gap in a series, and for how long a field's last value stands for it."""

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

GAP = 10.0  # a step this many times the usual one starts a new segment
OFTEN = (
    0.98  # a pause that comes oftener than every 50th row is no gap; segments would be too short for windows
)
LONGER = 3.0  # times such a pause
FILLED = 50  # rows a missing value is carried forward; without a limit no finite context would be enough
MOST_FILLED = 1_500  # the same for a field that comes more seldom than the rows
WAITED = 2.0  # times the longest usual distance between two of its values

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


def longest_step(entity: Places, seconds: NDArray[np.float64]) -> float:
    """Seconds (n,) between two rows of an entity (n,) beyond which there is a gap."""
    rows = np.lexsort((seconds, entity))
    step, same = np.diff(seconds[rows]), np.diff(entity[rows]) == 0
    step = step[same & (step > 0)]
    if not len(step):
        return np.inf
    usual, often = GAP * np.median(step), np.quantile(step, OFTEN)
    return float(usual if often <= usual else LONGER * often)


def segments(entity: Places, seconds: NDArray[np.float64], gap: float) -> Places:
    """(n,): index of the first row of each row's segment; comparisons with a missing time are false."""
    joined = (np.diff(entity) == 0) & (np.diff(seconds) <= gap)
    starts = np.r_[True, ~joined][: len(entity)]
    return np.maximum.accumulate(np.where(starts, np.arange(len(entity)), 0))


def rhythm(missing: Flags, first: Places) -> tuple[list[int], list[bool]]:
    """Of each field of (n, fields): rows for which a value stands, and whether it comes more seldom than rows."""
    limits, seldom = [], []
    for field in missing.T:
        there = np.flatnonzero(~field)
        apart = np.diff(there)[np.diff(first[there]) == 0]
        usual, longest = np.quantile(apart, [0.5, 0.95], method="higher") if len(apart) else (1, 1)
        limits.append(int(np.clip(WAITED * longest, FILLED, MOST_FILLED)))
        seldom.append(bool(usual >= 2))
    return limits, seldom


def last_known(missing: Flags, first: Places, limits: NDArray[np.int64]) -> Places:
    """(n, fields): the row whose value stands for each cell, -1 where there is none that is new enough."""
    at = np.arange(len(missing))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, at), axis=0)
    usable = (last >= first[:, None]) & (at - last <= limits)
    return np.where(usable, last, -1)


def silent(missing: Flags, first: Places, limits: NDArray[np.int64]) -> Flags:
    """(n, fields): no value for longer than one stands, though the row has others; an empty row tells of the source."""
    age = np.arange(len(missing)) - first
    gone = last_known(missing, first, limits) < 0
    return gone & (age[:, None] > limits) & ~missing.all(1, keepdims=True)


def carried(values: Floats, last: Places) -> Floats:
    """(n, fields): each cell's last known value, 0 where there is none."""
    found: Floats = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=0), 0)
    return found.astype(np.float32)
