"""Faults planted into a part's own rows: a measure of detection that needs no labels."""

from typing import Protocol

import numpy as np
import pandas as pd

SPAN = 8  # consecutive rows of one planted sensor fault
SHIFT = 4.0  # robust standard deviations by which a number is moved
SHARE = 0.1  # of the rows get a fault


class Scores(Protocol):
    """What is needed of a detector."""

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None) -> pd.DataFrame: ...


def plant(rows: pd.DataFrame, fields: list[str], kind: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A copy of ``rows`` with faults, and which rows (n,) have one.

    A tabular fault moves one number of a row by ``SHIFT`` robust deviations, up or down; a sensor fault does so
    over ``SPAN`` rows in a row. Categories are left as they are.
    """
    rng = np.random.default_rng(seed)
    faulty, where = rows.copy(), np.zeros(len(rows), dtype=bool)
    numbers = [f for f in fields if pd.api.types.is_numeric_dtype(rows[f]) and rows[f].nunique() > 2]
    if not numbers or len(rows) < SPAN * 2:
        return faulty, where
    span = SPAN if kind == "sensor" else 1
    starts = rng.choice(len(rows) - span + 1, max(1, round(SHARE * len(rows) / span)), replace=False)
    for start in starts:
        field = numbers[rng.integers(len(numbers))]
        at = slice(start, start + span)
        values = faulty[field].to_numpy(dtype="float64", copy=True)
        values[at] += rng.choice([-1.0, 1.0]) * SHIFT * spread(rows[field])
        faulty[field] = values
        where[at] = True
    return faulty, where


def spread(values: pd.Series) -> float:
    """A robust standard deviation that is never zero (half the distance of the 16 % and 84 % points)."""
    low, high = np.nanquantile(values.to_numpy(dtype="float64"), [0.16, 0.84])
    return float((high - low) / 2 or np.nanstd(values.to_numpy(dtype="float64")) or 1.0)


def planted_auroc(
    detector: Scores, rows: pd.DataFrame, context: pd.DataFrame, fields: list[str], kind: str, seed: int
) -> float:
    """AUROC of planted faults against the same rows without them; 0.5 where nothing can be planted."""
    faulty, where = plant(rows, fields, kind, seed)
    if not where.any():
        return 0.5
    odd = detector.score(faulty, context=context)["score"].to_numpy()[where]
    normal = detector.score(rows, context=context)["score"].to_numpy()
    ranks = pd.Series(np.concatenate([odd, normal])).rank().to_numpy()
    wins = ranks[: len(odd)].sum() - len(odd) * (len(odd) + 1) / 2
    return float(wins / (len(odd) * len(normal)))
