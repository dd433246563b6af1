"""A field of an entity's history: one standardised column, on the scale on which such a number varies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.features.base import Floats
from monitor.features.columns import Standard
from monitor.features.numbers import as_numbers

SMALLEST = 1e-6  # of a ratio: that of an amount which is nought


@dataclass(frozen=True)
class RememberedField:
    """Amounts (counts and seconds among them) and ratios vary by factors, so their logarithm is standardised.

    A missing value is the mean and has no column of its own: being new makes no entity odd.
    """

    name: str
    form: str  # "amount", "ratio" or "flag"
    mean: float
    std: float
    low: float | None  # the 1 % quantile of training
    high: float | None
    width = 1

    @classmethod
    def fit(cls, name: str, form: str, values: pd.Series) -> "RememberedField":
        numbers = as_numbers(values)
        scale = Standard.fit(_scaled(numbers, form)[:, None])
        known = numbers[~np.isnan(numbers)]
        ranged = len(known) and form != "flag"
        low, high = np.quantile(known, [0.01, 0.99]).tolist() if ranged else (None, None)
        return cls(name, form, float(scale.mean[0]), float(scale.std[0]), low, high)

    @property
    def kind(self) -> str:
        return "boolean" if self.form == "flag" else "number"

    def encode(self, values: pd.Series) -> Floats:
        """(n,) -> (n, 1)"""
        scale = Standard(np.array([self.mean]), np.array([self.std]))
        return scale.apply(_scaled(as_numbers(values), self.form)[:, None])

    def expected(self, z: NDArray[np.floating]) -> float | bool:
        """What the reconstruction ``z`` (1,) means in the field's own units."""
        value = self.mean + float(z[0]) * self.std
        if self.form == "flag":
            return value >= 0.5
        if self.form == "ratio":
            return float(f"{np.exp(min(value, 700.0)):.5g}")
        held = max(value, 0.0) if (self.low or 0.0) >= 0 else value  # no count is below nought
        return float(f"{np.sign(held) * np.expm1(min(abs(held), 700.0)):.5g}")

    def actual(self, value: object) -> float | bool | None:
        number = float(as_numbers(pd.Series([value], dtype=object))[0])
        if np.isnan(number):
            return None
        return bool(number) if self.form == "flag" else number

    def document(self) -> dict[str, Any]:
        return {"encoder": "history", **asdict(self)}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "RememberedField":
        return cls(**{name: value for name, value in document.items() if name != "encoder"})


def _scaled(numbers: NDArray[np.float64], form: str) -> NDArray[np.float64]:
    if form == "flag":
        return numbers
    if form == "ratio":
        return np.log(np.maximum(numbers, SMALLEST))
    return np.sign(numbers) * np.log1p(np.abs(numbers))
