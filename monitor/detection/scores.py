"""Residuals to one score: small parts, each put on one scale, joined by a soft OR."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Encoded:
    """One block of rows as the parts see it."""

    views: Floats  # (views, n, d)
    residual: Floats  # (K, n, d): reconstruction minus view
    code: Floats  # (K, n, code)

    def take(self, rows: NDArray[np.intp] | slice) -> "Encoded":
        return Encoded(self.views[:, rows], self.residual[:, rows], self.code[:, rows])


class Part(Protocol):
    """One reason to find a row odd."""

    name: ClassVar[str]
    keeps_reference: ClassVar[bool]  # then a reference row must not be its own neighbour

    @classmethod
    def fit(cls, reference: Encoded, memory: Encoded) -> Self:
        """``reference``: rows unseen in training, ``memory``: rows of training."""
        ...

    def raw(self, rows: Encoded, inside: bool = False) -> NDArray[np.floating]:
        """Oddness (members or views, n), at least 0.

        ``inside``: the rows are the very reference, and none may be its own neighbour.
        """
        ...

    def blame(self, rows: Encoded) -> NDArray[np.floating]:
        """Each column's part in the oddness (n, d), at least 0; dear, so only asked for rows that need a reason."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]: ...

    @classmethod
    def restore(cls, arrays: Arrays) -> Self: ...


@dataclass(frozen=True)
class Scale:
    """Logs on a scale where normal rows have median 0 and 95 % quantile 1.645, a normal deviate's."""

    offset: NDArray[np.float64]  # (m,): what keeps the log of 0 finite
    middle: NDArray[np.float64]  # (m,)
    spread: NDArray[np.float64]  # (m,)

    @classmethod
    def fit(cls, raw: NDArray[np.floating]) -> "Scale":
        offset = 0.01 * raw.mean(1, dtype=np.float64) + 1e-12
        logs = np.log(raw + offset[:, None])
        middle, high = np.quantile(logs, [0.5, 0.95], axis=1)
        return cls(offset, middle, (high - middle) / 1.645 + 0.01)

    def apply(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """(m, n) -> (n,)"""
        logs = np.log(raw + self.offset[:, None])
        scaled: NDArray[np.float64] = ((logs - self.middle[:, None]) / self.spread[:, None]).mean(0)
        return scaled


@dataclass(frozen=True)
class Score:
    """log(sum(exp(parts))): as large as its largest part, and hardly hurt by one that sees nothing."""

    parts: Sequence[Part]
    scales: Sequence[Scale]

    @classmethod
    def fit(cls, kinds: Sequence[type[Part]], reference: Encoded, memory: Encoded) -> "Score":
        parts = [kind.fit(reference, memory) for kind in kinds]
        return cls(parts, [Scale.fit(part.raw(reference, part.keeps_reference)) for part in parts])

    def apply(self, rows: Encoded, reference: bool = False) -> NDArray[np.float64]:
        """Score (n,). ``reference``: the rows are the very reference of ``fit``, and are scored as if not."""
        scaled = self._scaled(rows, reference)
        top = scaled.max(0)
        total: NDArray[np.float64] = top + np.log(np.exp(scaled - top).sum(0))
        return total

    def oddness(self, rows: Encoded) -> NDArray[np.float64]:
        """How far each part is above what it is of normal rows at the median (parts, n), at least 0."""
        return np.maximum(self._scaled(rows), 0)

    def shares(self, rows: Encoded) -> NDArray[np.float64]:
        """Each column's share in the score (n, d), summing to 1 a row."""
        scaled = self._scaled(rows)
        weights = np.exp(scaled - scaled.max(0))  # (parts, n)
        blames = [normalised(part.blame(rows)) for part in self.parts]
        share: NDArray[np.float64] = np.einsum("pn,pnd->nd", weights / weights.sum(0), np.stack(blames))
        return share

    def _scaled(self, rows: Encoded, reference: bool = False) -> NDArray[np.float64]:
        """(parts, n)"""
        pairs = zip(self.scales, self.parts, strict=True)
        return np.stack(
            [scale.apply(part.raw(rows, reference and part.keeps_reference)) for scale, part in pairs]
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        named: dict[str, NDArray[Any]] = {}
        for part, scale in zip(self.parts, self.scales, strict=True):
            owned = {**part.arrays(), "scale": np.stack([scale.offset, scale.middle, scale.spread])}
            named |= {f"{part.name}.{name}": array for name, array in owned.items()}
        return named

    @classmethod
    def restore(cls, kinds: Sequence[type[Part]], arrays: Arrays) -> "Score":
        parts, scales = [], []
        for kind in kinds:
            head = f"{kind.name}."
            owned = {name.removeprefix(head): a for name, a in arrays.items() if name.startswith(head)}
            scales.append(Scale(*owned.pop("scale")))
            parts.append(kind.restore(owned))
        return cls(parts, scales)


def normalised(blame: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, d) to sums of 1 a row; a row without any blame shares it equally."""
    blame = np.maximum(blame, 0).astype(np.float64)
    total = blame.sum(1, keepdims=True)
    return np.where(total > 0, blame / np.where(total > 0, total, 1), 1 / blame.shape[1])
