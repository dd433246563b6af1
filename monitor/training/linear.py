"""What needs no training: forecast and shape of windows in closed form, from sums that folds share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.detection.serve import blocks
from monitor.detection.surprise import Shape
from monitor.features.base import Floats

RIDGE = 0.03  # of the mean variance
KEPT = 0.9  # of the variance of windows: what the components of a shape show

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums over windows, the last step's fields behind those of the steps before it."""

    rows: int
    total: Numbers  # (inputs + fields,)
    square: Numbers  # (inputs + fields, inputs + fields)

    @classmethod
    def of(cls, view: Floats, places: NDArray[np.int64]) -> "Moments":
        """From a view (n, fields) and its windows (m, steps)."""
        width = places.shape[1] * view.shape[1]
        total, square = np.zeros(width), np.zeros((width, width))
        for rows in blocks(len(places), width):
            windows = view[places[rows]].reshape(-1, width).astype(np.float64)  # (b, inputs + fields)
            total += windows.sum(0)
            square += windows.T @ windows
        return cls(len(places), total, square)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.rows + other.rows, self.total + other.total, self.square + other.square)

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(self.rows - other.rows, self.total - other.total, self.square - other.square)

    @property
    def mean(self) -> Numbers:
        return self.total / self.rows

    @property
    def covariance(self) -> Numbers:
        found: Numbers = self.square / self.rows - np.outer(self.mean, self.mean)
        return found

    def forecast(self, fields: int) -> tuple[Floats, Floats]:
        """Ridge regression of the last step on the others: weight (inputs, fields) and bias (1, fields)."""
        C, mean, inputs = self.covariance, self.mean, len(self.total) - fields
        ridge = RIDGE * np.trace(C) / len(C) + 1e-6
        weight = np.linalg.solve(C[:inputs, :inputs] + ridge * np.eye(inputs), C[:inputs, inputs:])
        bias = mean[inputs:] - mean[:inputs] @ weight
        return weight.astype(np.float32), bias[None].astype(np.float32)

    def components(self) -> Floats:
        """(inputs + fields, components): the fewest directions with ``KEPT`` of the variance."""
        variance, directions = np.linalg.eigh(self.covariance)
        share = np.cumsum(variance[::-1].clip(0)) / max(variance.clip(0).sum(), 1e-12)
        kept = min(len(share) - 1, int(np.searchsorted(share, KEPT)) + 1)
        return directions[:, ::-1][:, :kept].astype(np.float32)


def shape(moments: list[Moments]) -> Shape:
    """Of one view each."""
    found = [each.components() for each in moments]
    basis = np.zeros((len(found), len(found[0]), max(each.shape[1] for each in found)), np.float32)
    for view, each in zip(basis, found, strict=True):
        view[:, : each.shape[1]] = each
    return Shape(np.stack([each.mean for each in moments]).astype(np.float32), basis)
