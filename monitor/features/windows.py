"""Features of the kind ``sensor``: samples in time, gap-free segments an entity, seen through windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.errors import MonitorError
from monitor.features.base import Columns, Floats
from monitor.features.columns import CHANGED, LIMIT
from monitor.features.daily import Day
from monitor.features.dates import as_times
from monitor.features.numbers import as_numbers
from monitor.features.rhythm import FILLED, carried, last_known, longest_step, rhythm, segments, silent

LONGEST = 20  # steps a window; longer ones found no more on any source and cost by their square
SHORTEST = 8
WIDEST = 4_000  # steps x fields a window: the closed-form regression grows with its cube
SMOOTHED = 160  # earlier scores that the widest trailing mean needs


@dataclass(frozen=True)
class Timeline:
    """Readings in entity and time order; ``rows`` tells where each stood in the frames that came in."""

    z: Floats  # (n, fields): deviations from the usual day, gaps filled
    level: Floats  # (n, fields): deviations from the usual level; 0 where unknown
    day: NDArray[np.float64]  # (n, fields): the level that is usual at this time of day
    missing: NDArray[np.bool_]  # (n, fields)
    unknown: NDArray[np.bool_]  # (n, fields): missing, and no last value of a seldom field stands for it
    silent: NDArray[np.bool_]  # (n, fields): for longer than ever in training, while other fields speak
    first: NDArray[np.int64]  # (n,): where the row's segment begins
    rows: NDArray[np.int64]  # (n,): place in [context, frame]
    steps: int

    @property
    def age(self) -> NDArray[np.int64]:
        """(n,): rows before this one in its segment."""
        return np.arange(len(self.first)) - self.first

    @property
    def ready(self) -> NDArray[np.bool_]:
        """(n,): whether the whole window before the row is there."""
        return self.age >= self.steps - 1

    def places(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) -> (m, steps): rows of the windows ending there; a segment's first row stands in for earlier."""
        rows = ends[:, None] + np.arange(1 - self.steps, 1)  # (m, steps)
        places: NDArray[np.int64] = np.maximum(rows, self.first[ends][:, None])
        return places


class Windows:
    """Median and robust spread per field, the usual step between samples, and the length of a window."""

    kind: ClassVar[str] = "sensor"

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)
        self.fields: list[str] = document["fields"]
        self.refused: dict[str, str] = document["refused"]
        self.columns = Columns(entity=document["entity"], time=document["time"])
        self.middle = np.array(document["middle"])
        self.spread = np.array(document["spread"])
        self.usual = list(zip(document["low"], document["high"], strict=True))
        self.steps: int = document["steps"]
        self.gap: float = document["gap"]
        self.day = Day.restore(document["day"])
        fields = len(self.fields)
        self.filled = np.array(document.get("filled", [FILLED] * fields))  # (fields,), in rows
        self.seldom = np.array(document.get("seldom", [False] * fields))  # (fields,)
        self.steady = np.array(document.get("steady", [False] * fields))  # (fields,): never silent for long
        self.context_rows = self.steps - 1 + SMOOTHED + int(self.filled.max())

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Columns) -> "Windows":
        """Learns from readings (n, fields) in any order.

        Raises MonitorError without a time column or without a field of numbers.
        """
        if columns.time is None:
            raise MonitorError("kind sensor needs the time of each row; no time column was given")
        numbers = {name: as_numbers(frame[name]) for name in columns.offered(frame)}
        refused = {
            name: "holds no numbers; a sensor's fields must"
            for name, found in numbers.items()
            if not np.isfinite(found).any()
        }
        fields = [name for name in numbers if name not in refused]
        if not fields:
            raise MonitorError(f"no column can be a field: {refused or 'no columns left'}")
        values = np.column_stack([numbers[name] for name in fields])  # (n, fields)
        steps = min(LONGEST, max(SHORTEST, len(frame) // 6), max(2, WIDEST // len(fields)))
        entity, seconds = clock(frame, columns)
        scales = _scales(values)
        level = _scaled(values, np.array(scales["middle"]), np.array(scales["spread"]))
        missing = np.isnan(values)
        gap, rows = longest_step(entity, seconds), np.lexsort((seconds, entity))
        first = segments(entity[rows], seconds[rows], gap)
        filled, seldom = rhythm(missing[rows], first)
        pauses = silent(missing[rows], first, np.array(filled))
        return cls(
            {
                "fields": fields,
                "refused": refused,
                "entity": columns.entity,
                "time": columns.time,
                "steps": steps,
                "gap": gap,
                "filled": filled,
                "seldom": seldom,
                "steady": (~pauses.any(0)).tolist(),
                "day": Day.fit(level, missing, seconds).document(),
                **scales,
            }
        )

    def timeline(
        self, frame: pd.DataFrame, context: pd.DataFrame | None = None, learning: bool = False
    ) -> Timeline:
        """Orders, scales and fills ``context`` (earlier rows of the same entities) and ``frame`` together.

        ``learning``: the frame is the one of ``fit``; each row is set against the other days alone.
        Raises MonitorError when a field or the time is absent.
        """
        needed = [name for name in (self.columns.time, self.columns.entity, *self.fields) if name]
        parts = [part for part in (context, frame) if part is not None and len(part)] or [frame]
        absent = [name for name in needed if any(name not in part.columns for part in parts)]
        if absent:
            raise MonitorError(f"the frame lacks {', '.join(absent)}; expected {', '.join(needed)}")
        both = pd.concat([part[needed] for part in parts], ignore_index=True)
        entity, seconds = clock(both, self.columns)
        rows = np.lexsort((np.arange(len(both)), seconds, entity))
        first = segments(entity[rows], seconds[rows], self.gap)
        values = np.column_stack([as_numbers(both[name]) for name in self.fields])[rows]  # (n, fields)
        level, missing = _scaled(values, self.middle, self.spread), np.isnan(values)
        ordered = seconds[rows]
        day = self.day.left_out(level, missing, ordered) if learning else self.day.at(ordered)
        z = ((level - day) / self.day.spread).astype(np.float32)
        last = last_known(missing, first, self.filled)
        held = np.where(self.seldom, carried(level, last), level)
        unknown = np.where(self.seldom, last < 0, missing)
        quiet = silent(missing, first, self.filled) & self.steady
        return Timeline(carried(z, last), held, day, missing, unknown, quiet, first, rows, self.steps)

    def expected(self, z: Floats, day: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecasts (m, fields) beside the usual day at their times, in the fields' own units."""
        found: NDArray[np.float64] = self.middle + (z * self.day.spread + day) * self.spread
        return found

    def actual(self, value: object) -> float | str | None:
        """A reading as it is shown: a number, or the text that is none."""
        number = float(as_numbers(pd.Series([value], dtype=object))[0])
        if np.isnan(number):
            return None if pd.isna(value) else str(value)  # type: ignore[call-overload]  # a cell
        return number

    def document(self) -> dict[str, Any]:
        return self._document

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "Windows":
        return cls(document)


def clock(frame: pd.DataFrame, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Entity code and seconds of each row (n,); a row without a time sorts last, in a segment of its own."""
    times = as_times(frame[columns.time])
    seconds = times.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64) / 1e6
    seconds = np.where(times.isna(), np.nan, seconds)
    if columns.entity is None:
        return np.zeros(len(frame), np.int64), seconds
    codes, _ = pd.factorize(frame[columns.entity], use_na_sentinel=False)
    return codes.astype(np.int64), seconds


def _scaled(values: NDArray[np.float64], middle: NDArray[np.float64], spread: NDArray[np.float64]) -> Floats:
    """(n, fields) in deviations; 0 where missing."""
    constant = spread == 0
    with np.errstate(over="ignore"):  # what is infinitely far is LIMIT away
        away = values - middle
        z = np.where(constant, CHANGED * np.sign(away), away / np.where(constant, 1.0, spread))
    clipped: Floats = np.clip(np.nan_to_num(z), -LIMIT, LIMIT).astype(np.float32)
    return clipped


def _scales(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """Median, (p95 - p5) / 3.29 with floors, and the usual range, per field of (n, fields)."""
    low, p5, middle, p95, high = np.nanquantile(values, [0.01, 0.05, 0.5, 0.95, 0.99], axis=0)
    robust, std = (p95 - p5) / 3.29, np.nanstd(values, axis=0)
    spread = np.where(robust < 1e-3 * std, std, robust)
    spread = np.where(spread > 1e-9 * np.abs(middle), spread, 0.0)
    names = {"middle": middle, "spread": spread, "low": low, "high": high}
    return {name: array.tolist() for name, array in names.items()}
