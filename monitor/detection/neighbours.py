"""Exact nearest neighbours by blocked matrix products: quadratic only in the capped number of stored rows."""

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats


def nearest(rows: Floats, stored: Floats, q: int, inside: bool = False) -> NDArray[np.intp]:
    """Places (n, q) of the nearest stored rows, in no order.

    ``rows`` (n, d), ``stored`` (m, d). ``inside``: the rows are themselves stored, at the same places, and a row
    is not its own neighbour.
    """
    half = 0.5 * np.einsum("md,md->m", stored, stored)  # (m,)
    away = half - rows @ stored.T  # (n, m): half the squared distance, less a constant a row
    if inside:
        np.fill_diagonal(away, np.inf)
    q = min(q, len(stored) - inside)
    places: NDArray[np.intp] = (
        away.argmin(1)[:, None] if q == 1 else np.argpartition(away, q - 1, axis=1)[:, :q]
    )
    return places


def differences(rows: Floats, stored: Floats, places: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Mean distance (n,) to the neighbours, and row minus their mean (n, d).

    Distances are taken anew from the differences: the matrix product loses small ones to rounding.
    """
    total = np.zeros(len(rows), np.float64)
    centre = np.zeros(rows.shape, np.float64)
    for each in places.T:
        apart = rows - stored[each]  # (n, d)
        total += np.sqrt(np.einsum("nd,nd->n", apart, apart, dtype=np.float64))
        centre += stored[each]
    q = places.shape[1]
    return (total / q).astype(np.float32), (rows - centre / q).astype(np.float32)
