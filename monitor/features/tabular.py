"""Features of the kind ``tabular``: each column of the source is one field, beside what its entity's past tells."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.errors import MonitorError
from monitor.domain.policy import SINCE
from monitor.features.base import Columns, Floats
from monitor.features.history import History, Places
from monitor.features.inference import Encoder, infer, restore_encoder
from monitor.features.remembered import RememberedField

ENOUGH = 0.5  # share of rows with an earlier one of their entity; below it the past tells of few


class Tabular:
    """Fitted encoders, one a field, whose columns stand side by side.

    >>> features = Tabular.fit(pd.DataFrame({"amount": [1.0, 2.0, 3.0]}), Columns())
    >>> features.transform(pd.DataFrame({"amount": [2.0]})).shape
    (1, 1)
    """

    kind: ClassVar[str] = "tabular"

    def __init__(
        self, encoders: Sequence[Encoder], refused: Mapping[str, str], history: History | None = None
    ) -> None:
        self.encoders = list(encoders)
        self.refused = dict(refused)
        self.history = history
        self.context_rows = history.rows if history else 0
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

    def remembering(
        self, frame: pd.DataFrame, context: pd.DataFrame | None, rows: Places, columns: Columns
    ) -> "tuple[Tabular, pd.DataFrame]":
        """These features with those of each entity's past, learned on ``rows`` of ``frame``, and the frame told.

        Both as they were where ``columns`` ask for no history, or where too few rows have a past.
        """
        if not columns.history:
            return self, frame
        kinds = {kind: [e.name for e in self.encoders if e.kind == kind] for kind in ("number", "category")}
        history = History.over(frame, columns, kinds["number"], kinds["category"])
        past = history.of(frame, context)
        share = float(past[SINCE].iloc[rows].notna().mean())
        if share < ENOUGH:
            words = f"only {share:.0%} of the rows have an earlier one of the same {columns.entity}"
            return Tabular(self.encoders, self.refused | {"history": words}), frame
        own = [encoder for encoder in self.encoders if encoder.name not in history.forms]
        learned = [
            RememberedField.fit(name, form, past[name].iloc[rows]) for name, form in history.forms.items()
        ]
        return Tabular([*own, *learned], self.refused, history), _beside(frame, past)

    def told(
        self, frame: pd.DataFrame, context: pd.DataFrame | None = None, rows: Places | None = None
    ) -> pd.DataFrame:
        """``rows`` (places in ``frame``; all) as ``transform`` needs them: with what the past tells of each."""
        chosen = frame if rows is None else frame.iloc[rows]
        return _beside(chosen, self.history.of(frame, context, rows)) if self.history else chosen

    def derived(self, field: str) -> bool:
        """Whether a field tells of an entity's past, not of a column of the source."""
        return self.history is not None and field in self.history.forms

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
        history = {"history": self.history.document()} if self.history else {}
        encoders = [encoder.document() for encoder in self.encoders]
        return {"encoders": encoders, "refused": self.refused, **history}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "Tabular":
        history = History.restore(document["history"]) if "history" in document else None
        return cls([restore_encoder(each) for each in document["encoders"]], document["refused"], history)


def _beside(frame: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """A column of the source that bears the name of one of history gives way."""
    return pd.concat([frame.drop(columns=[*past], errors="ignore"), past], axis=1)


def measured_columns(encoder: Encoder) -> NDArray[np.bool_]:
    """(width,): true for the column that holds a number itself."""
    measured = np.zeros(encoder.width, bool)
    measured[0] = encoder.kind == "number"
    return measured
