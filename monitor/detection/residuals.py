"""Score parts that read the residuals: their size, their shape, and whether this pattern is a usual one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.neighbours import differences, distance, nearest
from monitor.detection.scores import Arrays, Encoded
from monitor.features.base import Floats

WIDEST = 600  # columns up to which a covariance is worth its cost
REFERENCES = 3_000
CORESET = 750  # of the reference's residuals: as good as all 3,000


@dataclass(frozen=True)
class Reconstruction:
    """Mean squared residual of each member."""

    name: ClassVar[str] = "reconstruction"
    keeps_reference: ClassVar[bool] = False

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> "Reconstruction":
        return cls()

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        return np.asarray((rows.residual**2).mean(2))

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        return np.asarray((rows.residual**2).mean(0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    @classmethod
    def restore(cls, arrays: Arrays) -> "Reconstruction":
        return cls()


@dataclass(frozen=True)
class Mahalanobis:
    """r' S^-1 r over residuals and code, S shrunk towards its diagonal."""

    centre: Floats  # (K, width)
    whiten: Floats  # (K, width, width): S^-1 = whiten whiten'
    name: ClassVar[str] = "mahalanobis"
    keeps_reference: ClassVar[bool] = False
    trim: ClassVar[float] = 0.0  # share of the farthest rows that two more rounds leave out

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> Self:
        # Not from the reference: calibration takes its rows as unseen, and a covariance has seen its own.
        fitted = [cls._member(vectors) for vectors in cls._vectors(memory)]
        return cls(np.stack([c for c, _ in fitted]), np.stack([w for _, w in fitted]))

    @staticmethod
    def _vectors(rows: Encoded) -> Floats:
        return np.concatenate([rows.residual, rows.code], axis=2)  # (K, n, d + code)

    @classmethod
    def _member(cls, vectors: Floats) -> tuple[Floats, Floats]:
        kept = vectors.astype(np.float64)  # (n, width)
        for _ in range(3 if cls.trim else 1):
            centre = kept.mean(0)
            whiten = _whitening(kept - centre)
            squares = (((vectors - centre) @ whiten) ** 2).sum(1)
            kept = vectors[squares <= np.quantile(squares, 1 - cls.trim)].astype(np.float64)
        return centre.astype(np.float32), whiten.astype(np.float32)

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        white = self._away(rows) @ self.whiten  # (K, n, width)
        return np.asarray(np.einsum("knw,knw->kn", white, white))

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        away = self._away(rows)
        pull = away @ self.whiten @ self.whiten.transpose(0, 2, 1)  # (K, n, width): S^-1 r
        return np.asarray(np.maximum(away * pull, 0)[..., : rows.residual.shape[2]].mean(0))

    def _away(self, rows: Encoded) -> Floats:
        return self._vectors(rows) - self.centre[:, None]  # (K, n, width)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"centre": self.centre, "whiten": self.whiten}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        return cls(arrays["centre"], arrays["whiten"])


class TrimmedMahalanobis(Mahalanobis):
    """The same, refitted without its farthest rows: anomalies among the reference must not widen it."""

    name: ClassVar[str] = "trimmed_mahalanobis"
    trim: ClassVar[float] = 0.3


def _whitening(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, width) -> W (width, width) with W W' the inverse of the shrunk covariance."""
    n, width = away.shape
    diagonal = np.einsum("nw,nw->w", away, away) / max(n, 1)
    floor = 0.02 * diagonal.mean() + 1e-9
    if width > WIDEST:
        return np.diag(1 / np.sqrt(diagonal + floor))
    shrink = np.clip(width / (n + width), 0.02, 0.5)
    S = (1 - shrink) * (away.T @ away) / max(n, 1)
    S[np.diag_indices(width)] += shrink * diagonal + floor
    return np.asarray(np.linalg.inv(np.linalg.cholesky(S)).T)


@dataclass(frozen=True)
class ResidualNeighbours:
    """Distance to the nearest residual vector of a normal row: is this *pattern* of errors a usual one?"""

    std: Floats  # (K, d)
    stored: Floats  # (K, m, d): residuals over their std
    name: ClassVar[str] = "residual_neighbours"
    keeps_reference: ClassVar[bool] = True
    q: ClassVar[int] = 1

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> "ResidualNeighbours":
        std = reference.residual.std(axis=1, dtype=np.float64) + 1e-6  # (K, d)
        stored = reference.residual[:, :CORESET] / std[:, None]
        return cls(std.astype(np.float32), stored.astype(np.float32))

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        own = np.arange(self.stored.shape[1]) if inside else None  # they are the first of the reference
        return np.stack(
            [distance(scaled, stored, self.q, own) for scaled, stored in self._members(rows.residual)]
        )

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        found = np.zeros(rows.residual.shape[1:], np.float32)  # (n, d)
        for scaled, stored in self._members(rows.residual):
            found += differences(scaled, stored, nearest(scaled, stored, self.q)) ** 2
        return found

    def _members(self, residual: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Of each member the rows' residuals over their std (n, d), and the stored ones (m, d)."""
        return zip(residual / self.std[:, None], self.stored, strict=True)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"std": self.std, "stored": self.stored}

    @classmethod
    def restore(cls, arrays: Arrays) -> "ResidualNeighbours":
        return cls(arrays["std"], arrays["stored"])
