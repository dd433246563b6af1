"""Stored rows that have to go: a model compares with rows of training, and these may be somebody's."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.bundle import Bundle
from monitor.detection.detector import Detector
from monitor.detection.memory import Memory
from monitor.detection.neighbours import distance
from monitor.detection.residuals import ResidualNeighbours
from monitor.detection.serve import blocks
from monitor.detection.tabular import TabularScorer, encode, views_of
from monitor.domain.erasure import contains
from monitor.features.base import Floats

SAME = 2e-3  # of a row's own length: what rounding and another batch change is far less
LEAST = 0.5  # share of the stored rows that has to be left for scores to mean what they meant


def keeps_rows(blob: bytes) -> bool:
    """Whether a bundle holds rows at all; what is made of samples in time holds only sums over them."""
    return any(name.endswith(".stored") for name in Bundle.from_bytes(blob).arrays)


def knows(blob: bytes, entity: str) -> bool:
    """Whether a bundle knows the entity by name: as a category that it has seen."""
    return contains(Bundle.from_bytes(blob).manifest, entity)


def forgotten(
    blob: bytes, frame: pd.DataFrame, context: pd.DataFrame | None = None
) -> tuple[bytes | None, int]:
    """The bundle without those of its stored rows that equal rows of ``frame``, sealed anew, and how many those are.

    None for the bundle where so few would be left that it had to be trained again. Equal rows of somebody else go
    too: they cannot be told apart, and their going costs nothing. ``context``: further rows that theirs had as a past.
    """
    detector, bundle = Detector.from_bytes(blob), Bundle.from_bytes(blob)
    scorer = detector._scorer
    if frame.empty or not isinstance(scorer, TabularScorer):
        return blob, 0
    rows = encode(scorer.network, views_of(scorer.features.transform(scorer.features.told(frame, context))))
    arrays, gone = dict(bundle.arrays), 0
    for part in scorer._score.parts:
        if isinstance(part, Memory):
            own = rows.views[0]
        elif isinstance(part, ResidualNeighbours):
            own = rows.residual[0] / part.std[0]
        else:
            continue
        name = f"{part.name}.stored"
        stored: NDArray[Any] = arrays[name]  # (views or members, m, d)
        same = _among(stored[0].astype(np.float32), own)
        used = f"{part.name}.used"  # so many of the first are those that a score looks at
        looked_at = arrays[used] if used in arrays else np.array([len(same)])
        left = int((~same[: looked_at[0]]).sum())
        if left < max(2 * part.q, LEAST * looked_at[0]):
            return None, int(same.sum())
        arrays[name] = stored[:, ~same]
        if used in arrays:
            arrays[used] = np.array([left], looked_at.dtype)
        gone += int(same.sum())
    return (replace(bundle, arrays=arrays).to_bytes() if gone else blob), gone


def _among(stored: Floats, rows: Floats) -> NDArray[np.bool_]:
    """(m,): whether a stored row (m, d) is one of ``rows`` (n, d)."""
    found = np.zeros(len(stored), bool)
    for block in blocks(len(rows), len(stored)):
        away = distance(stored, rows[block], 1)
        found |= away <= SAME * (1 + np.linalg.norm(stored, axis=1))
    return found
