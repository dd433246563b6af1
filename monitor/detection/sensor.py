"""Scores for the kind ``sensor``: how far each sample is from what its own past foretells, smoothed over time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.scorer import Scored, Usual
from monitor.detection.scores import Arrays, normalised
from monitor.detection.serve import Network
from monitor.detection.smoothing import WIDTHS, moving_mean
from monitor.detection.surprise import Shape, squares, views_of, visible
from monitor.domain.errors import BundleCorrupt
from monitor.features import Windows
from monitor.features.base import Floats
from monitor.features.windows import Timeline

PARTS = np.array([0.6, 0.2, 0.2])  # weights: against the forecast, the shape, the usual level
NOW = 1.5  # how much the newest samples have to say: 1, as much as the score; 0, nothing
GRID = 1_001  # quantiles of what the newest samples alone say
VIEWS = np.array([2 / 3, 1 / 3])  # drawn in, as it is: heavy tails are more common than they are news

Numbers = NDArray[np.float64]


class SensorScorer:
    """Window by window through the network, then over the timeline; any cut of the stream scores the same."""

    def __init__(
        self, features: Windows, network: Network, shape: Shape, offline: bool, scales: Mapping[str, Any]
    ) -> None:
        self.features, self.network, self.shape, self.offline = features, network, shape, offline
        self.context_rows = features.context_rows
        self._top = np.asarray(scales["top"])  # (3, K, fields): 99 % quantile of squares
        self._levels = np.asarray(scales["levels"])  # (3, K, 2): median, and 99 % less median
        self._smooth = np.asarray(scales["smooth"])  # (widths, K, 2)
        self._normal = np.asarray(scales["usual"])  # (K,)
        self._newest = np.asarray(scales["newest"])  # (GRID,), ascending

    @classmethod
    def fit(
        cls, features: Windows, network: Network, shape: Shape, line: Timeline, odd: Floats, offline: bool
    ) -> "SensorScorer":
        """Learns what is usual from squares (3, K, n, fields) of the training timeline, each foretold from outside."""
        ready = line.ready if line.ready.sum() >= 30 else np.ones(len(line.first), bool)
        top = _top(odd[:, :, ready], np.stack([line.missing, line.missing, line.unknown])[:, ready])
        logs = np.log1p(odd / top[:, :, None]).mean(3)  # (3, K, n)
        levels = _level(logs[:, :, ready])  # (3, K, 2)
        joint = _joint(logs, levels, line.ready)  # (K, n)
        usual = np.median(joint[:, ready], axis=1)  # (K,)
        means = [_means(joint, line, width, offline, usual) for width in WIDTHS]
        smooth = np.stack([_level(each[:, ready]) for each in means])  # (widths, K, 2)
        newest = (VIEWS @ _against(means[0], smooth[0]))[ready]
        grid = np.quantile(newest, np.linspace(0, 1, GRID))
        scales = {"top": top, "levels": levels, "smooth": smooth, "usual": usual, "newest": grid}
        return cls(features, network, shape, offline, scales)

    @property
    def fields(self) -> list[str]:
        return self.features.fields

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None, shares: bool = True) -> Scored:
        """``context``: the ``context_rows`` rows before, of each entity in ``frame``; more does no harm."""
        timeline = self.features.timeline(frame, context)
        score, share, newest = self.along(timeline, squares(self.network, self.shape, timeline))
        back = np.argsort(timeline.rows)[len(timeline.rows) - len(frame) :]
        return Scored(score[back], share[back], timeline.ready[back], self._least(newest)[back])

    def along(self, line: Timeline, odd: Floats) -> tuple[Numbers, Floats, Numbers]:
        """In the order of the timeline, from its squares (3, K, n, fields): score (n,), share (n, fields), newest (n,).

        The score remembers, so that a fault that lasts stands out; ``newest`` is what the last few samples alone say.
        """
        cells = np.log1p(odd / self._top[:, :, None])  # (3, K, n, fields)
        joint = _joint(cells.mean(3), self._levels, line.ready)  # (K, n)
        scaled = np.stack(
            [
                _against(_means(joint, line, width, self.offline, self._normal), level)
                for width, level in zip(WIDTHS, self._smooth, strict=True)
            ]
        )  # (widths, K, n)
        mixed = (scaled.mean(0) + scaled.max(0)) / 2  # (K, n): odd at any width, more so at all
        score = VIEWS @ (np.sign(mixed) * np.log1p(np.abs(mixed)))  # (n,)
        weights = PARTS[:, None] * VIEWS / self._levels[:, :, 1]  # (3, K)
        blame = np.einsum("pk,pknf->nf", weights, cells)
        smoothed = np.mean([moving_mean(blame, line.first, w, self.offline) for w in WIDTHS], axis=0)
        return score, normalised(smoothed).astype(np.float32), VIEWS @ scaled[0]

    def _least(self, newest: Numbers) -> Numbers:
        """(n,): share of training rows whose newest samples were as unusual, to the power NOW; 0 beyond all of them.

        A fault that is over would otherwise be told again for as long as the score remembers it, and hide the next.
        """
        found: Numbers = np.interp(newest, self._newest, np.linspace(1, 0, GRID)) ** NOW
        return found

    def shares(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], guess: Floats, context: pd.DataFrame | None = None
    ) -> Floats:
        """(rows, fields): residuals from each field's own forecast already tell the fields apart."""
        return guess

    def reasons(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None = None
    ) -> tuple[Floats, list[list[Usual]]]:
        line = self.features.timeline(frame, context)
        _, share, _ = self.along(line, squares(self.network, self.shape, line))
        ends = np.argsort(line.rows)[len(line.rows) - len(frame) :][rows]  # (m,)
        output, _ = self.network(visible(views_of(line.z)[:, line.places(ends)]))  # (K, m, fields)
        expected = self.features.expected(output[1], line.day[ends])  # the view that sees z as it is
        return share[ends], [self._usual(frame, int(row), expected[at]) for at, row in enumerate(rows)]

    def _usual(self, frame: pd.DataFrame, row: int, expected: Numbers) -> list[Usual]:
        found = []
        for place, (field, (low, high)) in enumerate(zip(self.fields, self.features.usual, strict=True)):
            actual = self.features.actual(frame[field].iloc[row])
            found.append(Usual(field, "number", actual, float(expected[place]), low, high))
        return found

    def document(self) -> dict[str, Any]:
        return {"features": self.features.document(), "offline": self.offline}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "mean": self.shape.mean,
            "basis": self.shape.basis,
            "top": self._top,
            "levels": self._levels,
            "smooth": self._smooth,
            "usual": self._normal,
            "newest": self._newest,
        }

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Arrays, network: Network) -> "SensorScorer":
        if "newest" not in arrays:
            raise BundleCorrupt("the version is of an earlier kind of sensor model; train it anew")
        shape = Shape(arrays["mean"], arrays["basis"])
        return cls(Windows.restore(document["features"]), network, shape, document["offline"], arrays)


def _top(odd: Floats, absent: NDArray[np.bool_]) -> Numbers:
    """(3, K, n, fields) -> (3, K, fields): 99 % quantile of the cells that are there, not ``absent`` (3, n, fields)."""
    never = absent.all(1, keepdims=True)
    top: Numbers = np.nanquantile(np.where((absent & ~never)[:, None], np.nan, odd), 0.99, axis=2) + 1e-6
    return top


def _level(values: NDArray[np.floating]) -> Numbers:
    """(..., n) -> (..., 2): median, and 99 % quantile less median."""
    middle, high = np.quantile(values, [0.5, 0.99], axis=-1)
    return np.stack([middle, high - middle + 1e-9], axis=-1)


def _against(values: NDArray[np.floating], level: Numbers) -> Numbers:
    """(..., n) -> (..., n): 0 at the usual median, 1 at the usual 99 %."""
    scaled: Numbers = (values - level[..., :1]) / level[..., 1:]
    return scaled


def _joint(logs: NDArray[np.floating], levels: Numbers, ready: NDArray[np.bool_]) -> Numbers:
    """(3, K, n) -> (K, n); a row without its whole window is judged by its level alone."""
    parts = _against(logs, levels)
    parts[:2, :, ~ready] = 0
    joint: Numbers = np.tensordot(PARTS, parts, 1)
    return joint


def _means(joint: Numbers, line: Timeline, width: int, centred: bool, usual: Numbers) -> Numbers:
    """(K, n) -> (K, n)"""
    return np.stack(
        [moving_mean(each, line.first, width, centred, mid) for each, mid in zip(joint, usual, strict=True)]
    )
