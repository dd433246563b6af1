"""Score parts that compare with the training rows themselves: the nearest of them, and each field's own range."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.neighbours import differences, nearest
from monitor.detection.scores import Arrays, Encoded
from monitor.features.base import Floats

STORED = 5_000  # rows at most: customers' rows are not kept without bound
GRID = 1_001  # quantiles a column


@dataclass(frozen=True)
class Memory:
    """Mean distance to the ``q`` nearest training rows, in each view."""

    stored: Floats  # (views, m, d)
    name: ClassVar[str] = "memory"
    keeps_reference: ClassVar[bool] = False
    q: ClassVar[int] = 1
    most: ClassVar[int] = STORED

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> Self:
        return cls(memory.views[:, : cls.most])

    def raw(self, rows: Encoded, inside: bool = False) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        distance, blame = [], np.zeros(rows.views.shape[1:], np.float32)  # blame (n, d)
        for view, stored in zip(rows.views, self.stored, strict=True):
            away, apart = differences(view, stored, nearest(view, stored, self.q, inside))
            distance.append(away)
            blame += apart**2
        return np.stack(distance), blame

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"stored": self.stored}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        return cls(arrays["stored"])


class WideMemory(Memory):
    """Many neighbours: a clump of equal anomalies in the training rows must not vouch for itself."""

    name: ClassVar[str] = "wide_memory"
    q: ClassVar[int] = 30
    most: ClassVar[int] = (
        1_500  # as good as 5,000 with as large a share of neighbours, at a third of the cost
    )


@dataclass(frozen=True)
class Marginals:
    """-log of each column's two-sided tail probability: a value odd by itself, whatever the others are."""

    grid: Floats  # (GRID, d): quantiles of training
    rows: int
    name: ClassVar[str] = "marginals"
    keeps_reference: ClassVar[bool] = False

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> "Marginals":
        values = memory.views[0]  # (n, d)
        return cls(np.quantile(values, np.linspace(0, 1, GRID), axis=0).astype(np.float32), len(values))

    def raw(self, rows: Encoded, inside: bool = False) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        tails = np.empty(rows.views[0].shape, np.float32)
        least = 1 / (2 * min(self.rows, GRID))
        for at, (values, grid) in enumerate(zip(rows.views[0].T, self.grid.T, strict=True)):
            below = np.searchsorted(grid, values, side="right") / GRID  # (n,): P(X <= x)
            above = 1 - np.searchsorted(grid, values, side="left") / GRID  # (n,): P(X >= x)
            tails[:, at] = -np.log(np.clip(2 * np.minimum(below, above), least, 1))
        return tails.mean(1)[None], tails

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"grid": self.grid, "rows": np.array([self.rows])}

    @classmethod
    def restore(cls, arrays: Arrays) -> "Marginals":
        return cls(arrays["grid"], int(arrays["rows"][0]))
