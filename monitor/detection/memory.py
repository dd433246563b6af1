"""Score parts that compare with the training rows themselves: the nearest of them, and each field's own range."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.neighbours import differences, distance, nearest, spread_out
from monitor.detection.residuals import TrimmedMahalanobis
from monitor.detection.scores import Arrays, Encoded, Scale
from monitor.features.base import Floats

STORED = 5_000  # rows at most: customers' rows are not kept without bound
GRID = 1_001  # quantiles a column
ROOM = 1_024  # of a column's table: a power of two above GRID
STEPS = tuple(ROOM >> n for n in range(1, ROOM.bit_length()))  # of a binary search, down to 1


@dataclass(frozen=True)
class Memory:
    """Mean distance to the ``q`` nearest of the rows that were learnt from, those held back among them, in each view.

    The first ``used`` stored rows are a coreset that stands for all; the others serve explanations.
    """

    stored: Floats  # (views, m, d)
    used: int
    own: NDArray[np.intp] | None = (
        None  # (used,): which of the reference a row is, below 0 for none; not saved
    )
    name: ClassVar[str] = "memory"
    keeps_reference: ClassVar[bool] = True
    q: ClassVar[int] = 1
    most: ClassVar[int] = STORED
    coreset: ClassVar[int] = 1_024  # as good as all 5,000 when none is far from it

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> Self:
        held = reference.views.shape[1] if cls.keeps_reference else 0
        stored = np.concatenate([reference.views[:, :held], memory.views], axis=1)[:, : cls.most]
        first = cls._chosen(stored[0])
        others = np.delete(np.arange(stored.shape[1]), first)
        own = np.where(first < held, first, -1) if cls.keeps_reference else None
        return cls(stored[:, np.concatenate([first, others])], len(first), own)

    @classmethod
    def _chosen(cls, rows: Floats) -> NDArray[np.intp]:
        return spread_out(rows, cls.coreset)

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        own = self.own if inside else None
        pairs = zip(rows.views, self._coreset, strict=True)
        return np.stack([distance(view, stored, self.q, own) for view, stored in pairs])

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        found = np.zeros(rows.views.shape[1:], np.float32)  # (n, d)
        for view, stored in zip(rows.views, self._coreset, strict=True):
            found += differences(view, stored, nearest(view, stored, self.q)) ** 2
        return found

    @property
    def _coreset(self) -> Floats:
        return self.stored[:, : self.used]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"stored": self.stored, "used": np.array([self.used])}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        stored = arrays["stored"]
        # A bundle from before there was a coreset was calibrated on all its rows.
        return cls(stored, int(arrays["used"][0]) if "used" in arrays else stored.shape[1])


class WideMemory(Memory):
    """Many neighbours: a clump of equal anomalies in the training rows must not vouch for itself."""

    name: ClassVar[str] = "wide_memory"
    keeps_reference: ClassVar[bool] = False
    q: ClassVar[int] = 30
    most: ClassVar[int] = 1_500
    coreset: ClassVar[int] = 512  # the wider share of neighbours makes up for the fewer rows

    @classmethod
    def _chosen(cls, rows: Floats) -> NDArray[np.intp]:
        # They come in random order. The farthest apart would be the anomalies.
        return np.arange(min(cls.coreset, len(rows)))


class TrimmedMemory(Memory):
    """Some neighbours among training rows less those whose residuals are oddest: anomalies in the training rows
    must not vouch for themselves, and without them rows that are spread out see more than rows at random."""

    name: ClassVar[str] = "trimmed_memory"
    keeps_reference: ClassVar[bool] = False
    q: ClassVar[int] = 10
    most: ClassVar[int] = 1_500
    coreset: ClassVar[int] = 512
    trim: ClassVar[float] = 0.2

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> Self:
        raw = TrimmedMahalanobis.fit(reference, memory).raw(memory)
        odd = Scale.fit(raw).apply(raw)  # (n,)
        return super().fit(reference, memory.take(np.flatnonzero(odd <= np.quantile(odd, 1 - cls.trim))))


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

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        return np.asarray(self.blame(rows).mean(1)[None])

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        values = rows.views[0]  # (n, d)
        grid, on, beside = self._tables
        at = np.tile(np.arange(values.shape[1]) * ROOM, (len(values), 1))  # (n, d): each column's own table
        for step in STEPS:  # searched side by side, since a search a column costs three times as much
            at += step * (grid.take(at + (step - 1)) < values)
        tails: Floats = np.where(grid.take(at) == values, on.take(at), beside.take(at))
        return tails

    @cached_property
    def _tables(self) -> tuple[Floats, Floats, Floats]:
        """Three (d * ROOM,): the grid, and the tails of a value on each of its places and of one before it."""
        room = ((0, 0), (0, ROOM - GRID))
        grid = np.pad(self.grid.T, room, constant_values=np.inf)
        on, beside = (np.pad(tail, room, mode="edge")[:, :ROOM] for tail in self._tails)
        return grid.ravel(), on.ravel(), beside.ravel()

    @cached_property
    def _tails(self) -> tuple[Floats, Floats]:
        """Two (d, GRID + 1): the tail of a value on its place in the grid, and of one before it."""
        place = np.arange(GRID + 1)
        first = np.stack([np.searchsorted(grid, grid) for grid in self.grid.T])  # (d, GRID)
        last = np.stack([np.searchsorted(grid, grid, side="right") for grid in self.grid.T])
        on = np.pad(self._tail(last, first), ((0, 0), (0, 1)))
        return on, np.broadcast_to(self._tail(place, place), on.shape)

    def _tail(self, up_to: NDArray[np.intp], from_: NDArray[np.intp]) -> Floats:
        """-log of the two-sided tail with P(X <= x) = up_to / GRID and P(X >= x) = 1 - from_ / GRID."""
        smaller = np.minimum(up_to / GRID, 1 - from_ / GRID)
        tail: Floats = -np.log(np.clip(2 * smaller, 1 / (2 * min(self.rows, GRID)), 1)).astype(np.float32)
        return tail

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"grid": self.grid, "rows": np.array([self.rows])}

    @classmethod
    def restore(cls, arrays: Arrays) -> "Marginals":
        return cls(arrays["grid"], int(arrays["rows"][0]))
