"""Scores for the kind ``tabular``: residuals and memory of single rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.counterfactual import reasons
from monitor.detection.memory import STORED, Marginals, Memory, TrimmedMemory, WideMemory
from monitor.detection.residuals import (
    REFERENCES,
    Mahalanobis,
    Reconstruction,
    ResidualNeighbours,
    TrimmedMahalanobis,
)
from monitor.detection.scorer import Scored, Usual
from monitor.detection.scores import Arrays, Encoded, Part, Score
from monitor.detection.serve import Network, blocks, member_views
from monitor.features import Tabular
from monitor.features.base import Floats

PARTS: dict[str, type[Part]] = {
    part.name: part
    for part in (
        Reconstruction,
        Mahalanobis,
        TrimmedMahalanobis,
        ResidualNeighbours,
        Memory,
        WideMemory,
        TrimmedMemory,
        Marginals,
    )
}
CLEAN: tuple[type[Part], ...] = (ResidualNeighbours, Memory, Marginals)
CONTAMINATED: tuple[type[Part], ...] = (TrimmedMahalanobis, TrimmedMemory, Marginals)
# Trimming would take a rarer category for contamination, all its rows with it.
MIXED: tuple[type[Part], ...] = (Mahalanobis, WideMemory, Marginals)
# Numbers a field or column that a block holds at once while it is read, and while it passes the network's layers.
FRAME, LAYER = 40, 400


def views_of(z: Floats) -> Floats:
    """(n, d) -> (2, n, d): as it is, and with its heavy tails drawn in."""
    return np.stack([z, np.arcsinh(z)])


class TabularScorer:
    """Blocks of rows through features, network and parts, so that memory stays bounded."""

    def __init__(self, features: Tabular, network: Network, score: Score) -> None:
        self.features, self.network, self._score = features, network, score
        self.context_rows = features.context_rows
        self._to_fields = np.eye(len(features.fields), dtype=np.float32)[features.field_of]  # (d, fields)

    @classmethod
    def fit(
        cls, features: Tabular, network: Network, train: pd.DataFrame, held: pd.DataFrame, contaminated: bool
    ) -> "TabularScorer":
        """Learns scales and usual patterns of residuals from ``held``, rows unseen in training; keeps rows of both.

        Both frames are told their history already.
        """
        reference = encode(network, views_of(features.transform(held.iloc[:REFERENCES])))
        memory = encode(network, views_of(features.transform(train.iloc[:STORED])))
        robust = CONTAMINATED if features.measured.all() else MIXED
        parts = robust if contaminated else CLEAN
        return cls(features, network, Score.fit(parts, reference, memory))

    @property
    def fields(self) -> list[str]:
        return self.features.fields

    def held_scores(self, held: pd.DataFrame) -> NDArray[np.float64]:
        """(n,): scores of the very rows that ``fit`` held back, none compared with itself."""
        reference = encode(self.network, views_of(self.features.transform(held.iloc[:REFERENCES])))
        return np.append(
            self._score.apply(reference, reference=True), self._told(held.iloc[REFERENCES:], False).score
        )

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None, shares: bool = True) -> Scored:
        """(n rows) -> one line a row; ``context``: for features with a history, earlier rows of each entity."""
        return self._told(self.features.told(frame, context), shares)

    def _told(self, frame: pd.DataFrame, shares: bool) -> Scored:
        score = np.empty(len(frame))
        share = np.empty((len(frame), len(self.fields)), np.float32) if shares else None
        for rows in blocks(len(frame), FRAME * len(self.fields)):
            z = self.features.transform(frame.iloc[rows])
            score[rows] = self._rescore(z)
            if share is not None:
                share[rows] = self._guess(z)
        return Scored(score, share, np.ones(len(frame), bool))

    def shares(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], guess: Floats, context: pd.DataFrame | None = None
    ) -> Floats:
        """(rows, fields), verified; ``guess`` (rows, fields) are the shares by residuals."""
        return self._reasons(self.features.transform(self.features.told(frame, context, rows)), guess)[0]

    def reasons(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None = None
    ) -> tuple[Floats, list[list[Usual]]]:
        chosen = self.features.told(frame, context, rows)
        z = self.features.transform(chosen)
        share, similar = self._reasons(z, self._guess(z))
        return share, [
            [self._usual(chosen.iloc[at], place, similar[at]) for place in range(len(self.fields))]
            for at in range(len(chosen))
        ]

    def _reasons(self, z: Floats, guess: Floats) -> tuple[Floats, Floats]:
        memory = next(part for part in self._score.parts if isinstance(part, Memory))
        return reasons(z, memory.stored[0], self.features.field_of, guess, self._oddness)

    def _rescore(self, z: Floats) -> NDArray[np.float64]:
        """(n, d) -> (n,)"""
        score = np.empty(len(z))
        for rows in blocks(len(z), LAYER * z.shape[1]):
            score[rows] = self._score.apply(encode(self.network, views_of(z[rows])))
        return score

    def _oddness(self, z: Floats) -> NDArray[np.float64]:
        """(n, d) -> (parts, n)"""
        odd = np.empty((len(self._score.parts), len(z)))
        for rows in blocks(len(z), LAYER * z.shape[1]):
            odd[:, rows] = self._score.oddness(encode(self.network, views_of(z[rows])))
        return odd

    def _guess(self, z: Floats) -> Floats:
        """(n, d) -> shares by residuals (n, fields)"""
        share = np.empty((len(z), len(self.fields)), np.float32)
        for rows in blocks(len(z), LAYER * z.shape[1]):
            share[rows] = self._score.shares(encode(self.network, views_of(z[rows]))) @ self._to_fields
        return share

    def _usual(self, row: "pd.Series[Any]", place: int, z: Floats) -> Usual:
        field = self.features.encoders[place]
        return Usual(
            field=field.name,
            kind=field.kind,
            actual=field.actual(row[field.name]),
            expected=self.features.expected(z, place),
            low=field.low,
            high=field.high,
            derived=self.features.derived(field.name),
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
