"""Scores to p-values: how many normal rows look this odd, from rows that training did not see."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY = 0.9  # beyond this quantile a generalised Pareto tail is fitted
SHAPE = 0.5  # at most: a shape beyond this is the noise of few exceedances
LEAST = 1e-12  # a p-value is never 0: nothing measured says impossible
KEPT = 20_000  # scores
BLOCKS = 20  # spans of time that are compared
FARTHEST = 1e9  # tail scales: beyond these all scores are equally odd


@dataclass(frozen=True)
class Calibration:
    """Conformal p-values (Vovk et al. 2005); where these run out, a peaks-over-threshold tail goes on from there.

    Between two calibration rows they fall evenly: as steps they would flag .6 % at a level of 1 % with 165 rows.

    >>> Calibration.fit(np.arange(99.0)).p_values(np.array([49.0, 49.5])).round(3).tolist()
    [0.5, 0.495]
    """

    scores: NDArray[np.float64]  # (m,), ascending
    rows: int
    independent: float  # as how many rows they count: what neighbours in time repeat is said once

    @classmethod
    def fit(cls, scores: NDArray[np.floating], independent: float | None = None) -> "Calibration":
        """``scores`` (m,), higher = odder; ``independent`` of them, by default all."""
        ordered = np.sort(np.asarray(scores, np.float64))
        if len(ordered) > KEPT:
            ordered = np.quantile(ordered, np.linspace(0, 1, KEPT))
        told = len(scores) if independent is None else independent
        return cls(ordered, len(scores), float(min(told, len(ordered))))

    def p_values(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) in (0, 1], falling as scores rise; a score that is no number is taken as the oddest."""
        values = np.nan_to_num(np.asarray(scores, np.float64), nan=1e300, posinf=1e300, neginf=-1e300)
        share = np.interp(values, *self._shares, left=1.0, right=0.0)
        conformal = (1 + share * self.independent) / (self.independent + 1)
        # Beyond all of them the tail ranks where counting cannot.
        further = self._beyond(values) - self._beyond(self.scores[-1])
        return np.maximum(conformal * np.exp(np.where(values > self.scores[-1], further, 0.0)), LEAST)

    @cached_property
    def _shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Each score, and the share of the other rows that are at least as odd."""
        each, first = np.unique(self.scores, return_index=True)
        return each, 1 - (first + 1) / len(self.scores)

    def _beyond(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log of the tail's survival."""
        threshold, shape, scale = self._tail
        over = np.clip(scores - threshold, 0, FARTHEST * scale) / scale
        found: NDArray[np.float64] = -np.log1p(shape * over) / shape
        return found

    @cached_property
    def _tail(self) -> tuple[float, float, float]:
        """Threshold, shape and scale, from the scores alone: a version of before gets today's tail too."""
        threshold = float(np.quantile(self.scores, BODY))
        excess = self.scores[self.scores > threshold] - threshold
        return threshold, *_pareto(excess)

    def document(self) -> dict[str, Any]:
        return {"rows": self.rows, "independent": self.independent}

    @classmethod
    def restore(cls, document: Mapping[str, Any], scores: NDArray[np.float64]) -> "Calibration":
        return cls(scores, document["rows"], document.get("independent", float(len(scores))))


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


def _pareto(excess: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto by probability-weighted moments (Hosking & Wallis 1987).

    Of n exceedances a shape errs by about 1/sqrt(n), and one that came out too low claims what nobody counted: below
    0 even that scores have an end. So it is at least that error above 0, the shape of an exponential tail.
    """
    n = len(excess)
    mean = float(excess.mean()) if n else 0.0
    shape = max(n, 1) ** -0.5
    if n > 1 and mean > 0:
        weighted = float((excess * (n - 1 - np.arange(n)) / (n - 1)).mean())
        shape = max(shape, 2 - mean / max(mean - 2 * weighted, 1e-12))
    shape = min(SHAPE, shape)
    return shape, max(mean * (1 - shape), 1e-9)
