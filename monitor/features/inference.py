"""Which encoder a column of a frame gets, or why it gets none."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.features.base import Floats
from monitor.features.categories import CategoryField
from monitor.features.dates import DateField, as_times
from monitor.features.identity import named_by_number, named_by_text
from monitor.features.numbers import NumberField, as_numbers, is_nested
from monitor.features.remembered import RememberedField

SURE = 0.99  # share of a column's texts that must read as numbers or dates for it to be taken as such
CODE = r"[+-]?0\d+"  # a leading zero: a code, such as 01067, and no quantity


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
        return _number(name, values, as_numbers(values))
    if pd.api.types.is_datetime64_any_dtype(values):
        return DateField.fit(name, values)
    return _from_texts(name, values)


def _number(
    name: str, values: pd.Series, numbers: NDArray[np.float64], kind: str = "number"
) -> NumberField | str:
    return named_by_number(numbers[np.isfinite(numbers)]) or NumberField.fit(name, values, kind)


def _from_texts(name: str, values: pd.Series) -> Encoder | str:
    known = values.dropna()
    words = known.astype(str)
    numbers = as_numbers(known)
    if np.isfinite(numbers).mean() >= SURE and not words.str.fullmatch(CODE).any():
        boolean = words.str.strip().str.lower().isin(("true", "false")).all()
        return _number(name, values, numbers, "boolean" if boolean else "number")
    # Only texts that hold a digit can be dates; this spares the parser the rest.
    if words.head(100).str.contains(r"\d{4}").all() and as_times(known).notna().mean() >= SURE:
        return DateField.fit(name, values)
    return named_by_text(known) or CategoryField.fit(name, values)
