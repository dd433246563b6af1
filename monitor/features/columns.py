"""Standardised columns of one field, with two rules that keep bad numbers and sudden changes from hiding."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

CHANGED = 3.0  # a column that never varied in training and now does counts as this many deviations
NOISE = 1e-13  # of the mean: a spread of less is its rounding
LIMIT = 1e6  # keeps squares finite in float32; ranks far beyond anything seen stay equal


@dataclass(frozen=True)
class Standard:
    """Mean and deviation per column; a deviation of 0 marks a column that never varied."""

    mean: NDArray[np.float64]  # (columns,)
    std: NDArray[np.float64]  # (columns,)

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> "Standard":
        """``values``: (n, columns), NaN where missing; a column without a number is taken as constant 0."""
        known = np.isfinite(values)
        count = np.maximum(known.sum(0), 1)
        scale = np.max(np.abs(np.where(known, values, 0.0)), axis=0, initial=1.0)  # squares of 1e300 overflow
        scaled = np.where(known, values / scale, 0.0)
        mean = scaled.sum(0) / count
        spread = np.sqrt((np.where(known, scaled - mean, 0.0) ** 2).sum(0) / count)
        # Beneath the rounding of the mean a spread is noise, not variation.
        return cls(mean * scale, np.where(spread > NOISE * np.abs(mean), spread * scale, 0.0))

    def apply(self, values: NDArray[np.float64]) -> Floats:
        """(n, columns) -> float32 (n, columns); a missing value becomes 0, the mean."""
        known = np.isfinite(values)
        constant = self.std == 0
        with np.errstate(over="ignore"):  # what is infinitely far is LIMIT away
            away = np.where(known, values, self.mean) - self.mean
            z = np.where(constant, CHANGED * np.sign(away), away / np.where(constant, 1.0, self.std))
        return np.clip(z, -LIMIT, LIMIT).astype(np.float32)

    def undo(self, z: NDArray[np.floating]) -> NDArray[np.float64]:
        """Standardised columns back to the field's own units."""
        return self.mean + np.asarray(z, np.float64) * self.std


def usual_share(missing: float) -> float:
    """The deviation of whether a value is missing, with a least one: what is rare counts as what never was."""
    return max(math.sqrt(missing * (1 - missing)), 1 / CHANGED)
