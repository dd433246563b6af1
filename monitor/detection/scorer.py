"""What every kind of scorer gives: scores with their reasons, in the order of the frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.scores import Arrays
from monitor.detection.serve import Network
from monitor.features.base import Floats


@dataclass(frozen=True)
class Scored:
    """One line a row of the frame."""

    score: NDArray[np.float64]  # (n,)
    share: Floats | None  # (n, fields), sums to 1; None where it was not asked for
    ready: NDArray[np.bool_]  # (n,): whether all the context that the score needs was there
    least: NDArray[np.float64] | None = (
        None  # (n,): p-value that a row has at least, whatever its score remembers
    )


class Scorer(Protocol):
    """Turns a frame into scores; knows its features, its network and what normal looks like."""

    context_rows: int

    @property
    def fields(self) -> list[str]: ...

    def score(self, frame: pd.DataFrame, context: pd.DataFrame | None = None, shares: bool = True) -> Scored:
        """``shares``: whether the reasons are wanted too, which for many rows cost more than the scores."""
        ...

    def shares(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], guess: Floats, context: pd.DataFrame | None = None
    ) -> Floats:
        """Verified shares (rows, fields) of some rows, better than the ``guess`` that ``score`` gives for all."""
        ...

    def reasons(
        self, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None = None
    ) -> tuple[Floats, list[list["Usual"]]]:
        """For each of ``rows`` (places in ``frame``): verified shares (rows, fields), and for each field what it
        was, was expected to be and usually is."""
        ...

    def document(self) -> dict[str, Any]: ...

    def arrays(self) -> dict[str, NDArray[Any]]: ...

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Arrays, network: Network) -> Self: ...


@dataclass(frozen=True)
class Usual:
    """One field of one row in its own units; ``low`` to ``high`` holds 98 % of the training rows.

    ``derived``: no column of the source holds it; it is told by the rows before.
    """

    field: str
    kind: str
    actual: float | bool | str | None
    expected: float | bool | str | None
    low: float | str | None
    high: float | str | None
    derived: bool = False
