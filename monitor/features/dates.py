"""A field of dates: hour of day and day of week as points on circles; how long ago is not learned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.features.base import Floats
from monitor.features.columns import CHANGED, Standard, usual_share
from monitor.features.numbers import as_numbers

DAY = 24.0  # hours
LEAST_SPREAD = 1 / CHANGED  # an hour never seen counts; a minute past the only hour seen hardly does
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def as_times(values: pd.Series) -> pd.Series:
    """Dates of any type as aware UTC times, NaT where there is none; a number is seconds since 1970."""
    if pd.api.types.is_numeric_dtype(values):
        return pd.to_datetime(values, unit="s", utc=True, errors="coerce")
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True)
    number = values.map(lambda value: isinstance(value, int | float)) & values.notna()
    if number.any():
        seconds = pd.Series(as_numbers(values.where(number, None)), values.index)
        return as_times(seconds).where(number, as_times(values.mask(number)))
    return pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")


def circles(times: pd.Series) -> NDArray[np.float64]:
    """(n,) -> (n, 4): sine and cosine of the hour of day, then of the day of the week; NaN where missing."""
    hour = (times.dt.hour + times.dt.minute / 60 + times.dt.second / 3600).to_numpy(np.float64)
    # The day of the week alone, so that a change of hour is not counted twice.
    turns = 2 * np.pi * np.column_stack([hour / DAY, times.dt.day_of_week.to_numpy(np.float64) / 7])  # (n, 2)
    points = np.stack([np.sin(turns), np.cos(turns)], axis=2).reshape(len(times), 4)
    return np.round(points, 9)  # sin(pi) is not quite 0, and its rounding is no variation


@dataclass(frozen=True)
class DateField:
    """Four standardised columns, and one that says the date is missing."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    missing: float
    low: str | None
    high: str | None
    spread: float | None = None  # of the last column; None in a bundle of before there was a least one
    kind: str = "date"
    width = 5

    @classmethod
    def fit(cls, name: str, values: pd.Series) -> "DateField":
        times = as_times(values)
        scale = Standard.fit(circles(times))
        std = np.maximum(scale.std, LEAST_SPREAD)
        known = times.dropna().sort_values()
        ends = [
            known.iloc[round(share * (len(known) - 1))].isoformat() for share in (0.01, 0.99) if len(known)
        ]
        low, high = ends or (None, None)
        missing = float(times.isna().mean())
        scales = tuple(scale.mean.tolist()), tuple(std.tolist())
        return cls(name, *scales, missing, low, high, usual_share(missing))

    def encode(self, values: pd.Series) -> Floats:
        """(n,) -> (n, 5)"""
        times = as_times(values)
        z = Standard(np.array(self.mean), np.array(self.std)).apply(circles(times))  # (n, 4)
        gone = times.isna().to_numpy(np.float64)
        spread = self.spread or np.sqrt(self.missing * (1 - self.missing)) or 1 / CHANGED
        indicator = (gone - self.missing) / spread  # (n,)
        return np.column_stack([z, indicator]).astype(np.float32)

    def expected(self, z: NDArray[np.floating]) -> str:
        """The nearest hour and day of the week, as text."""
        sine, cosine, week_sine, week_cosine = Standard(np.array(self.mean), np.array(self.std)).undo(z[:4])
        minutes = round((np.arctan2(sine, cosine) / (2 * np.pi) % 1) * DAY * 60) % (24 * 60)
        day = round((np.arctan2(week_sine, week_cosine) / (2 * np.pi) % 1) * 7) % 7
        return f"{DAYS[day]} {minutes // 60:02d}:{minutes % 60:02d}"

    def actual(self, value: object) -> str | None:
        time = as_times(pd.Series([value], dtype=object)).iloc[0]
        if pd.isna(time):
            return None if pd.isna(value) else str(value)  # type: ignore[call-overload]  # a cell
        return f"{DAYS[time.day_of_week]} {time:%H:%M} ({time.isoformat()})"

    def document(self) -> dict[str, Any]:
        own = ("name", "mean", "std", "missing", "low", "high", "spread")
        return {"encoder": "date", **{name: getattr(self, name) for name in own}}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "DateField":
        own = {name: document[name] for name in ("name", "missing", "low", "high")}
        mean, std = tuple(document["mean"]), tuple(document["std"])
        return cls(**own, mean=mean, std=std, spread=document.get("spread"))
