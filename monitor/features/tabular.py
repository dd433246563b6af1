"""Features of the kind ``tabular``: each row stands alone, each column of the source is one field."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.errors import MonitorError
from monitor.features.base import Columns, Floats
from monitor.features.inference import Encoder, infer, restore_encoder


class Tabular:
    """Fitted encoders, one a field, whose columns stand side by side.

    >>> features = Tabular.fit(pd.DataFrame({"amount": [1.0, 2.0, 3.0]}), Columns())
    >>> features.transform(pd.DataFrame({"amount": [2.0]})).shape
    (1, 1)
    """

    kind: ClassVar[str] = "tabular"
    context_rows = 0

    def __init__(self, encoders: Sequence[Encoder], refused: Mapping[str, str]) -> None:
        self.encoders = list(encoders)
        self.refused = dict(refused)
        self.fields = [encoder.name for encoder in self.encoders]
        widths = [encoder.width for encoder in self.encoders]
        self.field_of = np.repeat(np.arange(len(widths)), widths)  # (columns,): the field of each column
        # (columns,): numbers on a scale of their own; of categories and flags a rarer one is no larger
        self.measured = np.concatenate([measured_columns(encoder) for encoder in self.encoders])
        self._starts = np.cumsum([0, *widths])

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Columns) -> "Tabular":
        """Learns scales, levels and usual ranges.

        Raises MonitorError when no column of ``frame`` (n, fields) can be a field.
        """
        found = {
            name: infer(name, frame[name], name in columns.categorical) for name in columns.offered(frame)
        }
        refused = {name: reason for name, reason in found.items() if isinstance(reason, str)}
        encoders = [encoder for encoder in found.values() if not isinstance(encoder, str)]
        if not encoders:
            reasons = "; ".join(f"{name} {reason}" for name, reason in refused.items()) or "no columns left"
            raise MonitorError(f"no column can be a field: {reasons}; expected at least one")
        return cls(encoders, refused)

    def transform(self, frame: pd.DataFrame) -> Floats:
        """(n rows) -> float32 (n, columns), finite whatever the frame holds.

        Raises MonitorError when a field is absent.
        """
        absent = [name for name in self.fields if name not in frame.columns]
        if absent:
            raise MonitorError(f"the frame lacks {', '.join(absent)}; expected {', '.join(self.fields)}")
        return np.concatenate([e.encode(frame[e.name]) for e in self.encoders], axis=1)

    def expected(self, z: NDArray[np.floating], field: int) -> float | bool | str | None:
        """What the reconstructed columns (columns,) say of one field, in its own units."""
        return self.encoders[field].expected(z[self._starts[field] : self._starts[field + 1]])

    def document(self) -> dict[str, Any]:
        return {"encoders": [encoder.document() for encoder in self.encoders], "refused": self.refused}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "Tabular":
        return cls([restore_encoder(each) for each in document["encoders"]], document["refused"])


def measured_columns(encoder: Encoder) -> NDArray[np.bool_]:
    """(width,): true for the column that holds a number itself."""
    measured = np.zeros(encoder.width, bool)
    measured[0] = encoder.kind == "number"
    return measured
