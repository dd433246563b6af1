"""What every kind of features shares: which columns to read, and what is kept of each field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Columns of ours that a stored row may carry: its place among all that arrived, and that of the row that replaced it.
ARRIVED, REPLACED = "reading_id", "superseded_by"


@dataclass(frozen=True)
class Columns:
    """Which columns of a frame are features, and which only say when and whose a row is.

    ``history``: whether an entity's past is looked at; ``value``: the number that is summed over it.
    """

    categorical: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    entity: str | None = None
    time: str | None = None
    history: bool = False
    value: str | None = None

    def offered(self, frame: pd.DataFrame) -> list[str]:
        """The columns that may become fields, in the order of the frame."""
        apart = {*self.exclude, self.entity, self.time, *((ARRIVED, REPLACED) if self.history else ())}
        return [str(name) for name in frame.columns if name not in apart]


class Features(Protocol):
    """Fitted once on training readings; the same numbers ever after.

    ``fields`` are the source columns in use, ``refused`` says why each other column is not.
    ``context_rows`` is how many earlier rows of an entity a score needs beside the row itself.
    """

    kind: ClassVar[str]
    fields: list[str]
    refused: dict[str, str]
    context_rows: int

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Columns) -> Self: ...

    def document(self) -> dict[str, Any]:
        """Everything learned, as JSON."""
        ...

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> Self: ...
