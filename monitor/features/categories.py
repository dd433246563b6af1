"""A field of categories: an indicator a frequent level, one for all the others, and how rare the level is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.features.base import Floats
from monitor.features.columns import CHANGED, LIMIT

MOST_LEVELS = 32  # indicators a field; beyond these a level is known by its rarity alone
MOST_COUNTS = 10_000  # counted levels a field: a million distinct values must not swell the bundle
MISSING = "(missing)"  # missing is a level like any other
UNSEEN = "unseen"


def as_levels(values: pd.Series) -> pd.Series:
    """Any values as text, so that 1, 1.0 and "1" read from different sources are one level."""

    def text(value: object) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value)

    distinct = values.dropna().unique()
    words = {value: text(value) for value in distinct}
    return values.map(words, na_action="ignore").astype(object).where(values.notna(), MISSING)


@dataclass(frozen=True)
class CategoryField:
    """Indicators share one field's variance; rarity is the standardised -log of the training frequency."""

    name: str
    counts: dict[str, int]  # level -> training rows, most frequent first
    levels: int  # the first of these have an indicator
    rows: int
    rarity: tuple[float, float]  # mean and deviation over training rows
    kind: str = "category"
    low: None = None
    high: None = None

    @classmethod
    def fit(cls, name: str, values: pd.Series) -> "CategoryField":
        found = as_levels(values).value_counts()
        counts = {str(level): int(count) for level, count in found.iloc[:MOST_COUNTS].items()}
        least = max(2, round(0.001 * len(values)))
        frequent = sum(count >= least for count in list(counts.values())[:MOST_LEVELS])
        n = np.array(list(counts.values()), dtype=np.float64)
        rare = -np.log((n + 0.5) / (len(values) + 1))
        mean = float(np.average(rare, weights=n))
        spread = float(np.sqrt(np.average((rare - mean) ** 2, weights=n)))
        return cls(name, counts, max(frequent, 1), len(values), (mean, spread))

    @property
    def width(self) -> int:
        return self.levels + 2  # levels, others, rarity

    def _shares(self) -> NDArray[np.float64]:
        """(levels + 1,): the training share of each indicator."""
        known = np.array(list(self.counts.values())[: self.levels]) / self.rows
        return np.append(known, 1 - known.sum())

    def _scale(self) -> float:
        variance = 1 - float((self._shares() ** 2).sum())
        return float(1 / np.sqrt(max(variance, CHANGED**-2)))  # a field that never varied changes by CHANGED

    def encode(self, values: pd.Series) -> Floats:
        """(n,) -> (n, width)"""
        words = as_levels(values)
        place = {level: at for at, level in enumerate(self.counts)}
        at = words.map(place).fillna(len(place)).to_numpy(np.int64)  # (n,)
        indicators = np.zeros((len(words), self.levels + 1))
        indicators[np.arange(len(words)), np.minimum(at, self.levels)] = 1
        indicators = (indicators - self._shares()) * self._scale()  # (n, levels + 1)
        n = np.r_[list(self.counts.values()), 0][at]
        mean, spread = self.rarity
        away = -np.log((n + 0.5) / (self.rows + 1)) - mean
        rare = away / spread if spread > 0 else CHANGED * np.sign(np.where(np.abs(away) > 1e-9, away, 0))
        z: Floats = np.clip(np.column_stack([indicators, rare]), -LIMIT, LIMIT).astype(np.float32)
        return z

    def expected(self, z: NDArray[np.floating]) -> str:
        """The level that the reconstruction (width,) favours."""
        favoured = int(np.argmax(np.asarray(z)[: self.levels] / self._scale() + self._shares()[:-1]))
        return list(self.counts)[favoured]

    def actual(self, value: object) -> str:
        level = str(as_levels(pd.Series([value], dtype=object)).iloc[0])
        return level if level in self.counts else f"{level} ({UNSEEN})"

    def document(self) -> dict[str, Any]:
        own = ("name", "counts", "levels", "rows", "rarity")
        return {"encoder": "category", **{name: getattr(self, name) for name in own}}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "CategoryField":
        mean, spread = document["rarity"]
        own = {name: document[name] for name in ("name", "levels", "rows")}
        # bundles of before kept their keys in the order of the alphabet, in which a level has another's place
        counts = dict(sorted(document["counts"].items(), key=lambda level: -level[1]))
        return cls(**own, counts=counts, rarity=(mean, spread))
