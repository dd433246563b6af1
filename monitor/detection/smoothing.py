"""Moving means within segments, over several widths: a fault in a series lasts longer than one sample."""

import numpy as np
from numpy.typing import NDArray

WIDTHS = (5, 41, 161)
FADED = (
    3.0  # the oldest row of a trailing mean counts exp(-3) of the newest: an end is seen as soon as a start
)

Numbers = NDArray[np.float64]


def moving_mean(
    values: Numbers,
    first: NDArray[np.int64],
    width: int,
    centred: bool,
    usual: Numbers | float | None = None,
) -> Numbers:
    """(n, ...) -> (n, ...): mean over ``width`` rows around the row, or fading back from it; none across a segment.

    Where a segment has fewer rows: over those it has, or with ``usual`` in place of the others, so that a mean
    of few is not taken for a rare one.
    """
    at = np.arange(len(values))
    low = np.maximum(at - (width // 2 if centred else width - 1), first)
    high = np.minimum(at + width // 2, _last(first)) if centred else at
    keep = 1.0 if centred else float(np.exp(-FADED / width))
    total = _sums(values, low, high, keep)
    weight = np.cumsum(keep ** np.arange(width))  # [i]: of i + 1 rows
    there = weight[high - low].reshape(-1, *(1,) * (values.ndim - 1))
    if usual is None:
        there_alone: Numbers = total / there
        return there_alone
    filled: Numbers = (total + (weight[-1] - there) * usual) / weight[-1]
    return filled


def _sums(values: Numbers, low: NDArray[np.int64], high: NDArray[np.int64], keep: float) -> Numbers:
    """Sums over low..high, each row back worth ``keep`` of the one after it.

    By doubling: each is made of the same few partial sums wherever the stream was cut. A running total would
    carry the rounding of all earlier rows, so that a score would depend on the cut.
    """
    length = high - low + 1
    total = np.zeros_like(values)
    partial, span, end = values.copy(), 1, high.copy()  # partial[i]: weighted sum over i-span+1..i
    while span <= length.max(initial=0):
        take = (length & span) > 0
        back = (keep ** (high - end)[take]).reshape(-1, *(1,) * (values.ndim - 1))
        total[take] += back * partial[end[take]]
        end[take] -= span
        longer = partial.copy()
        longer[span:] += keep**span * partial[: len(partial) - span]
        partial, span = longer, span * 2
    return total


def _last(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,): index of the last row of each row's segment."""
    starts = np.flatnonzero(first == np.arange(len(first)))
    ends = np.append(starts[1:], len(first)) - 1
    return np.repeat(ends, np.diff(np.append(starts, len(first))))
