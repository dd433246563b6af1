"""Moving means within segments, over several widths: a fault in a series lasts longer than one sample."""

import numpy as np
from numpy.typing import NDArray

WIDTHS = (5, 41, 161)


def moving_mean(
    values: NDArray[np.float64],
    first: NDArray[np.int64],
    width: int,
    centred: bool,
    usual: NDArray[np.float64] | float | None = None,
) -> NDArray[np.float64]:
    """(n, ...) -> (n, ...): mean over ``width`` rows that end at the row, or lie around it; none across a segment.

    Where a segment has fewer rows: over those it has, or with ``usual`` in place of the others, so that a mean
    of few is not taken for a rare one.
    """
    n = len(values)
    at = np.arange(n)
    low = at - (width // 2 if centred else width - 1)
    high = np.minimum(at + width // 2, _last(first)) if centred else at
    low = np.maximum(low, first)
    shape = (n,) + (1,) * (values.ndim - 1)
    count = (high - low + 1).reshape(shape)
    if usual is None:
        return _sums(values, low, high) / count
    return (_sums(values, low, high) + (width - count) * usual) / width


def _sums(
    values: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums over low..high by doubling: each is made of the same few partial sums wherever the stream was cut.

    A running total would carry the rounding of all earlier rows, so that a score would depend on the cut.
    """
    length = high - low + 1
    total = np.zeros_like(values)
    partial, span, start = values.copy(), 1, low.copy()  # partial[i]: sum over i..i+span-1
    while span <= length.max(initial=0):
        take = (length & span) > 0
        total[take] += partial[start[take]]
        start[take] += span
        longer = np.zeros_like(partial)
        longer[: len(partial) - span] = partial[: len(partial) - span] + partial[span:]
        partial, span = longer, span * 2
    return total


def _last(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,): index of the last row of each row's segment."""
    starts = np.flatnonzero(first == np.arange(len(first)))
    ends = np.append(starts[1:], len(first)) - 1
    return np.repeat(ends, np.diff(np.append(starts, len(first))))
