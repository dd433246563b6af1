"""Which field made a row odd: each in turn is given the value that similar rows have, and its oddness is taken anew.

Residuals alone blame the wrong field: one value far off bends the reconstruction of all the others.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.detection.serve import blocks
from monitor.features.base import Floats

NEIGHBOURS = 5
SUSPECTS = 24  # fields a row that are tried, those with the largest residuals
Oddness = Callable[[Floats], NDArray[np.float64]]  # (n, d) -> (parts, n)


def reasons(
    z: Floats, stored: Floats, field_of: NDArray[np.intp], guess: Floats, oddness: Oddness
) -> tuple[Floats, Floats]:
    """Share of each field (n, fields), summing to 1, and what similar rows have in its columns (n, d).

    ``z`` (n, d), ``stored`` (m, d) training rows, ``field_of`` (d,), ``guess`` (n, fields): shares by residuals,
    which choose the fields to try and stand where no single field explains the score. A field counts by the part
    of the score whose ``oddness`` it takes most off: the whole score is hardly more than its largest part, which may
    find the row odd in general where a smaller one sees which value is wrong.
    """
    fields = guess.shape[1]
    similar, drop = np.empty_like(z), np.zeros(guess.shape)
    odd = oddness(z)  # (parts, n)
    suspects = np.argsort(-guess, axis=1)[:, :SUSPECTS]  # (n, tried)
    for field in range(fields):
        columns = np.flatnonzero(field_of == field)
        similar[:, columns] = _similar(z, stored, columns)
        rows = np.flatnonzero((suspects == field).any(1))
        mended = z[rows]
        mended[:, columns] = similar[np.ix_(rows, columns)]
        drop[rows, field] = np.maximum(odd[:, rows] - oddness(mended), 0).max(0)
    total = drop.sum(1, keepdims=True)
    share = np.where(total > 1e-6, drop / np.maximum(total, 1e-6), guess)
    return share.astype(np.float32), similar


def _similar(z: Floats, stored: Floats, columns: NDArray[np.intp]) -> Floats:
    """(n, columns): the mean of these columns over the training rows nearest in all the others."""
    found = np.empty((len(z), len(columns)), np.float32)
    others = np.delete(np.arange(z.shape[1]), columns)
    near = stored[:, others]  # (m, others)
    half = 0.5 * np.einsum("md,md->m", near, near)
    q = min(NEIGHBOURS, len(stored))
    for rows in blocks(len(z), len(stored)):
        away = half - z[rows][:, others] @ near.T  # (n, m)
        places = np.argpartition(away, q - 1, axis=1)[:, :q]
        found[rows] = stored[places][:, :, columns].mean(1)
    return found
