"""Scores for the kind ``tabular``: residuals and memory of single rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.memory import STORED, Marginals, Memory, WideMemory
from monitor.detection.residuals import REFERENCES, Mahalanobis, Reconstruction, ResidualNeighbours
from monitor.detection.scorer import Scored, Usual
from monitor.detection.scores import Arrays, Encoded, Part, Score
from monitor.detection.serve import Network, blocks, member_views
from monitor.features import Tabular
from monitor.features.base import Floats

PARTS: dict[str, type[Part]] = {
    part.name: part
    for part in (Reconstruction, Mahalanobis, ResidualNeighbours, Memory, WideMemory, Marginals)
}
CLEAN: tuple[type[Part], ...] = (ResidualNeighbours, Memory)
CONTAMINATED: tuple[type[Part], ...] = (Mahalanobis, WideMemory, Marginals)


def views_of(z: Floats) -> Floats:
    """(n, d) -> (2, n, d): as it is, and with its heavy tails drawn in."""
    return np.stack([z, np.arcsinh(z)])


class TabularScorer:
    """Blocks of rows through features, network and parts, so that memory stays bounded."""

    context_rows = 0

    def __init__(self, features: Tabular, network: Network, score: Score) -> None:
        self.features, self.network, self._score = features, network, score
        self._to_fields = np.eye(len(features.fields), dtype=np.float32)[features.field_of]  # (d, fields)

    @classmethod
    def fit(
        cls, features: Tabular, network: Network, train: pd.DataFrame, held: pd.DataFrame, contaminated: bool
    ) -> "TabularScorer":
        """Learns distributions of residuals from ``held``, rows unseen in training, and keeps rows of ``train``."""
        reference = encode(network, views_of(features.transform(held.iloc[:REFERENCES])))
        memory = views_of(features.transform(train.iloc[:STORED]))
        nothing = np.zeros((1, memory.shape[1], 0), np.float32)
        parts = CONTAMINATED if contaminated else CLEAN
        return cls(features, network, Score.fit(parts, reference, Encoded(memory, nothing, nothing)))

    @property
    def fields(self) -> list[str]:
        return self.features.fields

    @property
    def _width(self) -> int:
        # The widest array of a block: distances to stored rows, or a layer of all members.
        return max(STORED, 40 * len(self.features.field_of))

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None) -> Scored:
        """(n rows) -> one line a row; ``context`` is not used, a row stands alone."""
        score = np.empty(len(frame))
        share = np.empty((len(frame), len(self.fields)), np.float32)
        for rows in blocks(len(frame), self._width):
            views = views_of(self.features.transform(frame.iloc[rows]))
            score[rows], columns = self._score.apply(encode(self.network, views))
            share[rows] = columns @ self._to_fields
        return Scored(score, share, np.ones(len(frame), bool))

    def expected(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None = None
    ) -> list[list[Usual]]:
        chosen = frame.iloc[rows]
        views = views_of(self.features.transform(chosen))
        output, _ = self.network(views)
        z = output[member_views(len(output)) == 0].mean(
            0
        )  # (n, d): the members that see the rows as they are
        return [
            [self._usual(chosen.iloc[at], place, z[at]) for place in range(len(self.fields))]
            for at in range(len(chosen))
        ]

    def _usual(self, row: "pd.Series[Any]", place: int, z: Floats) -> Usual:
        field = self.features.encoders[place]
        return Usual(
            field=field.name,
            kind=field.kind,
            actual=field.actual(row[field.name]),
            expected=self.features.expected(z, place),
            low=field.low,
            high=field.high,
        )

    def document(self) -> dict[str, Any]:
        parts: Sequence[Part] = self._score.parts
        return {"features": self.features.document(), "parts": [part.name for part in parts]}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self._score.arrays()

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Arrays, network: Network) -> "TabularScorer":
        kinds = [PARTS[name] for name in document["parts"]]
        return cls(Tabular.restore(document["features"]), network, Score.restore(kinds, arrays))


def encode(network: Network, views: Floats) -> Encoded:
    """(views, n, d) -> what the parts read."""
    output, code = network(views)
    return Encoded(views, output - views[member_views(len(output))], code)
