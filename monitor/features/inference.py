"""Which encoder a column of a frame gets, or why it gets none."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.writing import counted
from monitor.features.base import Floats
from monitor.features.categories import CategoryField
from monitor.features.dates import DateField, as_times
from monitor.features.numbers import NumberField, as_numbers, is_nested
from monitor.features.remembered import RememberedField

SURE = 0.99  # share of a column's texts that must read as numbers or dates for it to be taken as such
FEW = 50  # up to this many distinct texts are categories whatever the number of rows


class Encoder(Protocol):
    """One field: source values to columns, and columns back to words a person reads."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def low(self) -> float | str | None: ...
    @property
    def high(self) -> float | str | None: ...
    def encode(self, values: pd.Series) -> Floats: ...
    def expected(self, z: NDArray[np.floating]) -> float | bool | str | None: ...
    def actual(self, value: object) -> float | bool | str | None: ...
    def document(self) -> dict[str, Any]: ...


ENCODERS: dict[str, Any] = {
    "number": NumberField,
    "category": CategoryField,
    "date": DateField,
    "history": RememberedField,
}


def restore_encoder(document: Mapping[str, Any]) -> Encoder:
    encoder: Encoder = ENCODERS[document["encoder"]].restore(document)
    return encoder


def infer(name: str, values: pd.Series, categorical: bool) -> Encoder | str:
    """The fitted encoder of a column, or the reason for refusing it."""
    if values.isna().all():
        return NumberField.fit(name, values)
    if values.dtype == object and values.map(is_nested).any():
        return "holds lists or documents; only a single value a row can be a field"
    if categorical:
        return CategoryField.fit(name, values)
    if pd.api.types.is_bool_dtype(values):
        return NumberField.fit(name, values, "boolean")
    if pd.api.types.is_numeric_dtype(values):
        return _counter(values) or NumberField.fit(name, values)
    if pd.api.types.is_datetime64_any_dtype(values):
        return DateField.fit(name, values)
    return _from_texts(name, values)


def _from_texts(name: str, values: pd.Series) -> Encoder | str:
    known = values.dropna()
    if not np.isnan(as_numbers(known)).any():
        boolean = known.map(lambda value: str(value).lower() in ("true", "false")).all()
        return NumberField.fit(name, values, "boolean" if boolean else "number")
    if np.isfinite(as_numbers(known)).mean() >= SURE:
        return NumberField.fit(name, values)
    # Only texts that hold a digit can be dates; this spares the parser the rest.
    if known.head(100).astype(str).str.contains(r"\d{4}").all() and as_times(known).notna().mean() >= SURE:
        return DateField.fit(name, values)
    distinct = known.astype(str).nunique()
    if distinct > max(FEW, len(known) / 2):
        return (
            f"looks like an identifier or free text: {counted(distinct, 'distinct value')} in "
            f"{counted(len(known), 'row')}; "
            "name it under categorical to use it all the same"
        )
    return CategoryField.fit(name, values)


def _counter(values: pd.Series) -> str | None:
    """A whole number that only ever goes up is an identifier: its next value is always the largest yet."""
    whole = pd.api.types.is_integer_dtype(values)
    if whole and len(values) >= FEW and values.is_unique and values.is_monotonic_increasing:
        return "counts the rows up, as an identifier does; name it under categorical to use it all the same"
    return None
