"""Scores to p-values: how many normal rows look this odd, from rows that training did not see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY = 0.9  # beyond this quantile a generalised Pareto tail is fitted
SHAPE = 0.5  # a shape beyond this is the noise of few exceedances
LEAST = 1e-12  # a p-value is never 0: nothing measured says impossible
KEPT = 20_000  # scores
BLOCKS = 20  # spans of time that are compared
FARTHEST = 1e9  # tail scales: beyond these all scores are equally odd


@dataclass(frozen=True)
class Calibration:
    """Conformal p-values (Vovk et al. 2005); where these run out, a peaks-over-threshold tail goes on from there.

    >>> Calibration.fit(np.arange(99.0)).p_values(np.array([49.0])).round(2).tolist()
    [0.51]
    """

    scores: NDArray[np.float64]  # (m,), ascending
    rows: int
    threshold: float
    shape: float
    scale: float
    independent: float  # as how many rows they count: what neighbours in time repeat is said once

    @classmethod
    def fit(cls, scores: NDArray[np.floating], independent: float | None = None) -> "Calibration":
        """``scores`` (m,), higher = odder; ``independent`` of them, by default all."""
        ordered = np.sort(np.asarray(scores, np.float64))
        threshold = float(np.quantile(ordered, BODY))
        shape, scale = _tail(ordered[ordered > threshold] - threshold)
        if len(ordered) > KEPT:
            ordered = np.quantile(ordered, np.linspace(0, 1, KEPT))
        told = len(scores) if independent is None else independent
        return cls(ordered, len(scores), threshold, shape, scale, float(min(told, len(ordered))))

    def p_values(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) in (0, 1], falling as scores rise; a score that is no number is taken as the oddest."""
        values = np.nan_to_num(np.asarray(scores, np.float64), nan=1e300, posinf=1e300, neginf=-1e300)
        kept, told = len(self.scores), self.independent
        share = 1 - np.searchsorted(self.scores, values, side="left") / kept
        conformal = (1 + share * told) / (told + 1)
        # Beyond all of them the tail ranks where counting cannot.
        further = self._beyond(values) - self._beyond(self.scores[-1])
        return np.maximum(conformal * np.exp(np.where(values > self.scores[-1], further, 0.0)), LEAST)

    def _beyond(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log of the tail's survival."""
        over = np.clip(scores - self.threshold, 0, FARTHEST * self.scale) / self.scale
        return _log_survival(over, self.shape)

    def document(self) -> dict[str, Any]:
        names = ("rows", "threshold", "shape", "scale", "independent")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def restore(cls, document: Mapping[str, Any], scores: NDArray[np.float64]) -> "Calibration":
        return cls(scores, **{"independent": float(len(scores)), **document})


def independent(scores: NDArray[np.floating], seconds: NDArray[np.float64]) -> float:
    """As how many independent rows scores (m,) in time count when it comes to high ones.

    By batch means (Conway 1963) over BLOCKS spans of equally many rows: high scores that come together in a few
    spans say less than as many spread over all.
    """
    if len(scores) < 2 * BLOCKS:
        return float(len(scores))
    order = np.argsort(seconds, kind="stable")
    high = (scores > np.quantile(scores, BODY))[order].astype(float)
    block = np.arange(len(high)) * BLOCKS // len(high)
    means = np.bincount(block, high) / np.bincount(block)
    between = max(float(means.var(ddof=1)), 1e-12)
    return float(np.clip(BLOCKS * high.var() / between, BLOCKS, len(high)))


def _log_survival(over: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """Of a generalised Pareto with scale 1; past the end point of a bounded one, decay keeps ranking."""
    if abs(shape) < 1e-6:
        return -over
    end = np.inf if shape > 0 else (1e-3 - 1) / shape
    inside: NDArray[np.float64] = -np.log1p(shape * np.minimum(over, end)) / shape
    return inside - np.maximum(over - end, 0)


def _tail(excess: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale by probability-weighted moments (Hosking & Wallis 1987), stable on few exceedances."""
    n = len(excess)
    mean = float(excess.mean()) if n else 0.0
    if n < 10 or mean <= 0:
        return 0.0, max(mean, 1e-9)  # too few for a shape: exponential
    weighted = float((excess * (n - 1 - np.arange(n)) / (n - 1)).mean())
    shape = 2 - mean / max(mean - 2 * weighted, 1e-12)
    shape = float(np.clip(shape, -SHAPE, SHAPE))
    return shape, max(mean * (1 - shape), 1e-9)
