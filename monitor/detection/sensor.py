"""Scores for the kind ``sensor``: how far each sample is from what its own past foretells, smoothed over time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.scorer import Scored, Usual
from monitor.detection.scores import Arrays, normalised
from monitor.detection.serve import Network, blocks, member_views
from monitor.detection.smoothing import WIDTHS, moving_mean
from monitor.features import Windows
from monitor.features.base import Floats
from monitor.features.windows import Timeline

SATURATED = 3.0
RESIDUAL, DEVIATION = 0.7, 0.3  # weights: against the forecast, and against the usual level


def views_of(z: Floats) -> Floats:
    """(n, fields) -> (2, n, fields): beyond 3 deviations drawn in, and as it is."""
    beyond = np.maximum(np.abs(z) - SATURATED, 0)
    return np.stack([np.sign(z) * (np.minimum(np.abs(z), SATURATED) + np.arcsinh(beyond)), z])


class SensorScorer:
    """Window by window through the network, then over the timeline; any cut of the stream scores the same."""

    def __init__(self, features: Windows, network: Network, offline: bool, scales: Mapping[str, Any]) -> None:
        self.features, self.network, self.offline = features, network, offline
        self.context_rows = features.context_rows
        self._residual = np.asarray(scales["residual"])  # (K, fields): 99 % quantile of squares
        self._deviation = np.asarray(scales["deviation"])  # (K, fields)
        self._levels = np.asarray(scales["levels"])  # (2, K, 2): median and 99 % less median
        self._smooth = np.asarray(scales["smooth"])  # (widths, K, 2)
        self._normal = np.asarray(scales["usual"])  # (K,)

    @classmethod
    def fit(cls, features: Windows, network: Network, train: Timeline, offline: bool) -> "SensorScorer":
        """Learns what squares and smoothed means are usual on the training timeline."""
        squares = forecast_errors(features, network, train)
        ready = train.ready if train.ready.sum() >= 30 else np.ones(len(train.first), bool)
        top = [np.quantile(each[:, ready], 0.99, axis=1) + 1e-6 for each in squares]  # (K, fields) each
        logs = [np.log1p(each / t[:, None]).mean(2) for each, t in zip(squares, top, strict=True)]  # (K, n)
        levels = np.stack([_level(each[:, ready]) for each in logs])  # (2, K, 2)
        joint = _joint(logs, levels)  # (K, n)
        usual = np.median(joint[:, ready], axis=1)  # (K,)
        means = [_means(joint, train, width, offline, usual) for width in WIDTHS]
        smooth = np.stack([_level(each[:, ready]) for each in means])  # (widths, K, 2)
        scales = {"residual": top[0], "deviation": top[1], "levels": levels, "smooth": smooth, "usual": usual}
        return cls(features, network, offline, scales)

    @property
    def fields(self) -> list[str]:
        return self.features.fields

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None, shares: bool = True) -> Scored:
        """``context``: the ``context_rows`` rows before, of each entity in ``frame``; more does no harm."""
        timeline = self.features.timeline(frame, context)
        return self._in_order(timeline, *self.along(timeline), len(frame))

    def along(self, timeline: Timeline) -> tuple[NDArray[np.float64], Floats]:
        """Score (n,) and share (n, fields) in the order of the timeline."""
        squares = forecast_errors(self.features, self.network, timeline)
        tops = (self._residual, self._deviation)
        cells = [np.log1p(each / t[:, None]) for each, t in zip(squares, tops, strict=True)]  # (K, n, fields)
        joint = _joint([each.mean(2) for each in cells], self._levels)  # (K, n)
        scaled = [
            _against(_means(joint, timeline, width, self.offline, self._normal), level)
            for width, level in zip(WIDTHS, self._smooth, strict=True)
        ]
        mean = np.mean(scaled, axis=0)  # (K, n)
        score = (np.sign(mean) * np.log1p(np.abs(mean))).mean(0)  # (n,)
        spread = self._levels[:, :, 1][:, :, None, None]  # (2, K, 1, 1)
        blame = (RESIDUAL * cells[0] / spread[0] + DEVIATION * cells[1] / spread[1]).mean(0)  # (n, fields)
        smoothed = np.mean([moving_mean(blame, timeline.first, w, self.offline) for w in WIDTHS], axis=0)
        return score, normalised(smoothed).astype(np.float32)

    def _in_order(self, timeline: Timeline, score: NDArray[np.float64], share: Floats, rows: int) -> Scored:
        """Timeline order back to the order of the frame, without the context."""
        back = np.argsort(timeline.rows)[len(timeline.rows) - rows :]
        return Scored(score[back], share[back], timeline.ready[back])

    def shares(self, frame: pd.DataFrame, rows: NDArray[np.intp], guess: Floats) -> Floats:
        """(rows, fields): residuals from each field's own forecast already tell the fields apart."""
        return guess

    def reasons(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None = None
    ) -> tuple[Floats, list[list[Usual]]]:
        timeline = self.features.timeline(frame, context)
        _, share = self.along(timeline)
        ends = np.argsort(timeline.rows)[len(timeline.rows) - len(frame) :][rows]  # (m,)
        windows = views_of(timeline.z)[:, timeline.places(ends)]  # (2, m, steps, fields)
        output, _ = self.network(visible(windows))
        z = output[member_views(len(output)) == 1].mean(0)  # (m, fields): the members that see z as it is
        return share[ends], [self._usual(frame, int(row), z[at]) for at, row in enumerate(rows)]

    def _usual(self, frame: pd.DataFrame, row: int, z: Floats) -> list[Usual]:
        found = []
        for place, (field, (low, high)) in enumerate(zip(self.fields, self.features.usual, strict=True)):
            actual = self.features.actual(frame[field].iloc[row])
            found.append(Usual(field, "number", actual, self.features.expected(z[place], place), low, high))
        return found

    def document(self) -> dict[str, Any]:
        return {"features": self.features.document(), "offline": self.offline}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "residual": self._residual,
            "deviation": self._deviation,
            "levels": self._levels,
            "smooth": self._smooth,
            "usual": self._normal,
        }

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Arrays, network: Network) -> "SensorScorer":
        return cls(Windows.restore(document["features"]), network, document["offline"], arrays)


def visible(windows: Floats) -> Floats:
    """(..., steps, fields) -> (..., (steps - 1) * fields): the last step is what is to be foretold."""
    return windows[..., :-1, :].reshape(*windows.shape[:-2], -1)


def forecast_errors(features: Windows, network: Network, timeline: Timeline) -> tuple[Floats, Floats]:
    """Squares (K, n, fields) of sample less forecast, and of the sample itself; 0 where the cell is missing."""
    views = views_of(timeline.z)  # (2, n, fields)
    n, fields = timeline.z.shape
    found = []
    for rows in blocks(n, 2 * features.steps * fields):
        windows = views[:, timeline.places(np.arange(n)[rows])]  # (2, m, steps, fields)
        output, _ = network(visible(windows))  # (K, m, fields)
        found.append(output)
    output = np.concatenate(found, axis=1)  # (K, n, fields)
    target = views[member_views(len(output))]  # (K, n, fields)
    known = ~timeline.missing
    return (target - output) ** 2 * known, target**2 * known


def _level(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(K, n) -> (K, 2): median, and 99 % quantile less median."""
    middle, high = np.quantile(values, [0.5, 0.99], axis=1)
    return np.stack([middle, high - middle + 1e-9], axis=1)


def _against(values: NDArray[np.floating], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, n) -> (K, n): 0 at the usual median, 1 at the usual 99 %."""
    scaled: NDArray[np.float64] = (values - level[:, :1]) / level[:, 1:]
    return scaled


def _joint(logs: list[NDArray[np.floating]], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two (K, n) -> (K, n)"""
    return RESIDUAL * _against(logs[0], levels[0]) + DEVIATION * _against(logs[1], levels[1])


def _means(
    joint: NDArray[np.float64], line: Timeline, width: int, centred: bool, usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(K, n) -> (K, n); once a segment's windows are whole, the padded ones before them count no more."""
    first = np.where(line.ready, line.first + line.steps - 1, line.first)
    return np.stack(
        [moving_mean(each, first, width, centred, level) for each, level in zip(joint, usual, strict=True)]
    )
