"""A field of numbers or of booleans: one standardised column, and one for missing values where they occur."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.features.base import Floats
from monitor.features.columns import CHANGED, Standard, usual_share

WORDS = {"true": 1.0, "false": 0.0}
MOST_BITS = 1_023  # of a whole number that a float can be
FAR = 50.0  # times what 95 % of the values that differ from the median differ by


def is_nested(value: object) -> bool:
    """Lists and documents, which Parquet may hold and no field can be."""
    return isinstance(value, list | tuple | dict | np.ndarray)


def as_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Numbers of any type as float64, NaN where there is no finite number."""
    if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        values = values.map(_plain)
    # A copy: to_numpy may hand out the frame's own memory.
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _plain(value: object) -> object:
    """True and false in any type and case as 1 and 0, NaN for what no float can be; other values as they are."""
    if isinstance(value, str):
        return WORDS.get(value.strip().lower(), value)
    if isinstance(value, int):  # a boolean too
        return float(value) if value.bit_length() <= MOST_BITS else np.nan
    return np.nan if is_nested(value) else value


def drawn_in(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): values as they are but for those so far off that they would be all that a deviation tells.

    One cell of 1e12 among thousands around 100 must not make 5,000 look like 100.
    """
    if not len(known):
        return known
    unit = np.max(np.abs(known), initial=1.0)  # differences of 1e308 overflow
    away = known / unit - np.median(known / unit)
    moved = np.abs(away[away != 0])
    if not len(moved):
        return known
    limit = FAR * np.quantile(moved, 0.95)
    near: NDArray[np.float64] = np.where(
        np.abs(away) > limit, np.median(known) + np.sign(away) * limit * unit, known
    )
    return near


@dataclass(frozen=True)
class NumberField:
    """Standardised value, and whether it is missing when training knew both.

    A value that is missing for the first time lies ``absent`` deviations off, outside of all that training knew.
    """

    name: str
    kind: str  # "number" or "boolean"
    mean: float
    std: float
    missing: float  # share of training rows
    low: float | None  # the 1 % quantile of training
    high: float | None
    absent: float = CHANGED
    spread: float | None = None  # of the indicator; None in a bundle of before there was a least one

    @classmethod
    def fit(cls, name: str, values: pd.Series, kind: str = "number") -> "NumberField":
        numbers = as_numbers(values)
        known = numbers[~np.isnan(numbers)]
        near = drawn_in(known)
        scale = Standard.fit(near[:, None])
        missing = 1 - len(known) / max(len(numbers), 1)
        low, high = np.quantile(known, [0.01, 0.99]).tolist() if len(known) else (None, None)
        ends = scale.apply(np.r_[near.min(), near.max()][:, None]).ravel().tolist() if len(known) else [0.0]
        nearest = min(ends, key=abs)  # the end without a long tail
        return cls(
            name=name,
            kind=kind,
            mean=float(scale.mean[0]),
            std=float(scale.std[0]),
            missing=missing,
            low=low,
            high=high,
            absent=nearest + math.copysign(CHANGED, nearest),
            spread=usual_share(missing),
        )

    @property
    def width(self) -> int:
        return 2 if 0 < self.missing < 1 else 1

    def encode(self, values: pd.Series) -> Floats:
        """(n,) -> (n, width)"""
        numbers = as_numbers(values)
        gone = np.isnan(numbers)
        z = Standard(np.array([self.mean]), np.array([self.std])).apply(numbers[:, None])  # (n, 1)
        if self.missing == 0:
            z[gone] = self.absent
        elif self.missing == 1:
            z[~gone] = CHANGED  # it was never there
        if self.width == 1:
            return z
        spread = self.spread or math.sqrt(self.missing * (1 - self.missing))
        indicator = (gone - self.missing) / spread  # (n,)
        return np.column_stack([z, indicator]).astype(np.float32)

    def expected(self, z: NDArray[np.floating]) -> float | bool | None:
        """What the reconstruction ``z`` (width,) means in the field's own units."""
        if self.missing == 1:
            return None
        value = float(self.mean + float(z[0]) * self.std)
        if self.kind == "boolean":
            return value >= 0.5
        # single precision knows no more of z than so many decimals
        return round(value, 5 - math.floor(math.log10(self.std))) if self.std else value

    def actual(self, value: object) -> float | bool | str | None:
        """The reading as it is shown: a number, or the text that is none."""
        number = float(as_numbers(pd.Series([value], dtype=object))[0])
        if np.isnan(number):
            return None if pd.isna(value) else str(value)  # type: ignore[call-overload]  # a cell
        return bool(number) if self.kind == "boolean" else number

    def document(self) -> dict[str, Any]:
        return {"encoder": "number", **self.__dict__}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "NumberField":
        return cls(**{name: value for name, value in document.items() if name != "encoder"})
