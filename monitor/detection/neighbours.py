"""Exact nearest neighbours by blocked matrix products: quadratic only in the capped number of stored rows.

In double precision: squared distances are differences of large numbers, and what single precision loses there
would be the whole distance of close rows, and another loss for each place that a row has in a product.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

LANE = 128  # rows of one product, so that its result stays in the processor's cache


def nearest(rows: Floats, stored: Floats, q: int) -> NDArray[np.intp]:
    """Places (n, q) of the nearest stored rows, in no order; ``rows`` (n, d), ``stored`` (m, d)."""
    q = min(q, len(stored))
    places = np.empty((len(rows), q), np.intp)
    for lane, away in _away(rows, stored):
        if q == 1:
            away.argmin(1, out=places[lane, 0])
        else:
            places[lane] = np.argpartition(away, q - 1, axis=1)[:, :q]
    return places


def differences(rows: Floats, stored: Floats, places: NDArray[np.intp]) -> Floats:
    """Each row minus the mean of its neighbours (n, d)."""
    apart: Floats = rows - stored[places].mean(1, dtype=np.float64).astype(np.float32)
    return apart


def distance(rows: Floats, stored: Floats, q: int, own: NDArray[np.intp] | None = None) -> Floats:
    """Mean distance (n,) to the ``q`` nearest stored rows, without saying which these are: a third of the cost.

    ``own`` (m,): the place among ``rows`` of each stored row that is one of them, below 0 for others; none is its
    own neighbour then.
    """
    q = min(q, len(stored) - (own is not None))
    found = np.empty(len(rows), np.float32)
    for lane, away in _away(rows, stored, own):
        if q == 1:
            near = away.min(1)[:, None]
        else:
            away.partition(q - 1, axis=1)
            near = away[:, :q]
        square = np.einsum("nd,nd->n", rows[lane], rows[lane], dtype=np.float64)
        found[lane] = np.sqrt(np.maximum(square[:, None] + 2 * near, 0)).mean(1)
    return found


def _away(
    rows: Floats, stored: Floats, own: NDArray[np.intp] | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Lane by lane half the squared distances (lane, m), less half the row's own square; overwritten by the next."""
    n, d = rows.shape
    turned = np.empty((d + 1, len(stored)))
    turned[:d] = -stored.T
    turned[d] = 0.5 * np.einsum("dm,dm->m", turned[:d], turned[:d])
    lane = np.ones((LANE, d + 1))
    room = np.empty((LANE, len(stored)))
    for start in range(0, n, LANE):
        some = rows[start : start + LANE]
        lane[: len(some), :d] = some
        away = np.matmul(lane[: len(some)], turned, out=room[: len(some)])
        if own is not None:
            at = np.flatnonzero((own >= start) & (own < start + len(some)))
            away[own[at] - start, at] = np.inf
        yield slice(start, start + len(some)), away


def spread_out(rows: Floats, count: int) -> NDArray[np.intp]:
    """Places (count,) of rows that leave none of the others far from all of them: each is the one farthest from
    those before it (greedy k-centre; Gonzalez 1985)."""
    count = min(count, len(rows))
    square = np.einsum("nd,nd->n", rows, rows)
    apart = np.full(len(rows), np.inf)  # (n,): squared distance to the nearest chosen
    places = np.zeros(count, np.intp)
    for at in range(count):
        place = places[at] = int(apart.argmax())
        np.minimum(apart, square + square[place] - 2 * (rows @ rows[place]), out=apart)
        apart[place] = -np.inf
    return places
