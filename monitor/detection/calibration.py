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
FARTHEST = 1e9  # tail scales: beyond these all scores are equally odd


@dataclass(frozen=True)
class Calibration:
    """Conformal p-values (Vovk et al. 2005); where these run out, a peaks-over-threshold tail.

    >>> Calibration.fit(np.arange(99.0)).p_values(np.array([49.0])).round(2).tolist()
    [0.51]
    """

    scores: NDArray[np.float64]  # (m,), ascending
    rows: int
    threshold: float
    shape: float
    scale: float

    @classmethod
    def fit(cls, scores: NDArray[np.floating]) -> "Calibration":
        """``scores`` (m,), higher = odder."""
        ordered = np.sort(np.asarray(scores, np.float64))
        threshold = float(np.quantile(ordered, BODY))
        shape, scale = _tail(ordered[ordered > threshold] - threshold)
        if len(ordered) > KEPT:
            ordered = np.quantile(ordered, np.linspace(0, 1, KEPT))
        return cls(ordered, len(scores), threshold, shape, scale)

    def p_values(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) in (0, 1], falling as scores rise; a score that is no number is taken as the oddest."""
        values = np.nan_to_num(np.asarray(scores, np.float64), nan=1e300, posinf=1e300, neginf=-1e300)
        kept = len(self.scores)
        conformal = (1 + kept - np.searchsorted(self.scores, values, side="left")) / (kept + 1)
        run_out = 2 / (kept + 1)  # one or no row beyond: the tail ranks better than counting does
        return np.where(conformal > run_out, conformal, np.minimum(self._beyond(values), run_out))

    def _beyond(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        over = np.clip(scores - self.threshold, 0, FARTHEST * self.scale) / self.scale
        return np.clip((1 - BODY) * _survival(over, self.shape), LEAST, 1)

    def document(self) -> dict[str, Any]:
        return {"rows": self.rows, "threshold": self.threshold, "shape": self.shape, "scale": self.scale}

    @classmethod
    def restore(cls, document: Mapping[str, Any], scores: NDArray[np.float64]) -> "Calibration":
        return cls(scores, **document)


def _survival(over: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """Of a generalised Pareto with scale 1; past the end point of a bounded one, decay keeps ranking."""
    if abs(shape) < 1e-6:
        return np.exp(-over)
    end = np.inf if shape > 0 else (1e-3 - 1) / shape
    share: NDArray[np.float64] = (1 + shape * np.minimum(over, end)) ** (-1 / shape)
    return share * np.exp(-np.maximum(over - end, 0))


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
