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
LONGEST = 200  # characters of a level, for the same reason
NAT = 1.0  # least spread of rarity: how often balanced levels happened to occur says nothing
MISSING = "(missing)"  # missing is a level like any other
UNSEEN = "unseen"
RARE = "rare or unseen"  # which of the two cannot be told once there were too many levels to count
ANOTHER = "(another)"  # none of those with an indicator


def as_levels(values: pd.Series) -> pd.Series:
    """Any values as text, so that 1, 1.0 and "1" read from different sources are one level."""

    def text(value: object) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value)[:LONGEST]

    code, distinct = pd.factorize(values)  # -1 where missing
    words = np.array([*map(text, distinct), MISSING], dtype=object)
    return pd.Series(words[code], values.index, dtype=object)


@dataclass(frozen=True)
class CategoryField:
    """Indicators share one field's variance; rarity is -log of the training frequency, in deviations.

    Its mean and deviation are those that a row had where its own level was counted without it: where every
    tenth row brings a new level, one more is nothing odd.
    """

    name: str
    counts: dict[str, int]  # level -> training rows, most frequent first
    levels: int  # the first of these have an indicator
    rows: int
    rarity: tuple[float, float]  # mean and deviation over training rows
    others: float = 0.0  # other training rows of a level that is not counted, on average
    kind: str = "category"
    low: None = None
    high: None = None

    @classmethod
    def fit(cls, name: str, values: pd.Series) -> "CategoryField":
        found = as_levels(values).value_counts()
        counted = found
        if (
            len(found) > MOST_COUNTS
        ):  # levels as frequent as the first that is left out would be chosen by chance
            counted = found[found > found.iloc[MOST_COUNTS]]
        left, distinct = len(values) - int(counted.sum()), len(found) - len(counted)
        others = max(left / distinct - 1, 0.0) if distinct else 0.0
        least = max(2, round(0.001 * len(values)))
        frequent = int((counted.iloc[:MOST_LEVELS] >= least).sum())
        weight = np.r_[counted, left].astype(np.float64)
        rare = _rarity(np.r_[counted - 1, others], len(values))
        mean = float(np.average(rare, weights=weight))
        spread = float(np.sqrt(np.average((rare - mean) ** 2, weights=weight)))
        counts = _placed({str(level): int(count) for level, count in counted.items()})
        levels = max(frequent, min(1, len(counts)))
        return cls(name, counts, levels, len(values), (mean, max(spread, NAT)), others)

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
        n = np.r_[list(self.counts.values()), self.others][at]
        mean, spread = self.rarity
        rare = (_rarity(n, self.rows) - mean) / spread
        z: Floats = np.clip(np.column_stack([indicators, rare]), -LIMIT, LIMIT).astype(np.float32)
        return z

    def expected(self, z: NDArray[np.floating]) -> str:
        """The level that the reconstruction (width,) favours."""
        favoured = int(np.argmax(np.asarray(z)[: self.levels + 1] / self._scale() + self._shares()))
        return [*list(self.counts)[: self.levels], ANOTHER][favoured]

    def actual(self, value: object) -> str:
        level = str(as_levels(pd.Series([value], dtype=object)).iloc[0])
        if level in self.counts:
            return level
        return f"{level} ({UNSEEN if sum(self.counts.values()) == self.rows else RARE})"

    def document(self) -> dict[str, Any]:
        own = ("name", "counts", "levels", "rows", "rarity", "others")
        return {"encoder": "category", **{name: getattr(self, name) for name in own}}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "CategoryField":
        mean, spread = document["rarity"]
        rows = document["rows"]
        if spread == 0:  # of before there was a least spread: an unseen level counted as CHANGED
            spread = float(_rarity(np.zeros(1), rows)[0] - mean) / CHANGED
        counts = _placed({level[:LONGEST]: count for level, count in document["counts"].items()})
        others = document.get("others", 0.0)
        return cls(document["name"], counts, document["levels"], rows, (mean, spread), others)


def _placed(counts: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first, of equally many by name: a bundle keeps its keys in the order of the alphabet."""
    return dict(sorted(counts.items(), key=lambda level: (-level[1], level[0])))


def _rarity(count: NDArray[np.floating], rows: int) -> NDArray[np.float64]:
    rare: NDArray[np.float64] = -np.log((count + 0.5) / (rows + 1))
    return rare
