"""What an entity's own past says of each of its rows: how long since the last one, how many, how unlike."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.policy import SINCE
from monitor.features.base import ARRIVED, REPLACED, Columns
from monitor.features.dates import as_times
from monitor.features.numbers import as_numbers

ROWS, LEAST = 100, 10  # of an entity's earlier rows so many of the newest are looked at
CONTEXT = 1_000_000  # rows that all entities of a training may bring along; where they are many, fewer each
DAY = 86_400.0  # seconds
SPANS = {"1 h": 3_600.0, "24 h": DAY, "7 d": 7 * DAY, "30 d": 30 * DAY}
COUNT, SUM = "rows in {}", "{} in 24 h"
RATIO, LESS, NEW = "{} over own median", "{} less own median", "new {}"
LARGEST = np.finfo(np.float64).max
SPARE = 128.0  # a power of two, so that it rounds nothing; sums of up to so many rows are finite before it comes back
BLOCK = 10_000  # rows at a time: a few arrays of BLOCK x ROWS numbers

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class History:
    """Which fields of a row are set against its entity's earlier rows.

    A row's past are the last ``rows`` rows of its entity that happened no later and arrived before it, each as it was
    known when the row arrived: a row that came late or was corrected later changes nothing. Where there is no such
    row everything is missing (NaN); where a category is missing, or all of the past is younger than a day, nobody can
    tell whether it is new.

    >>> frame = pd.DataFrame({"card": ["a", "b", "a"], "at": pd.to_datetime([0, 5, 60], unit="s"), "x": [2.0, 9, 6]})
    >>> past = History("card", "at", ratios=("x",)).of(frame)
    >>> past["seconds since last"].tolist(), past["x over own median"].tolist()
    ([nan, nan, 60.0], [nan, nan, 3.0])
    """

    entity: str
    time: str
    ratios: tuple[str, ...] = ()  # numbers that are above nought, such as amounts
    differences: tuple[str, ...] = ()  # other numbers
    categories: tuple[str, ...] = ()
    value: str | None = None  # what is summed
    rows: int = ROWS

    @classmethod
    def over(
        cls, frame: pd.DataFrame, columns: Columns, numbers: Sequence[str], categories: Sequence[str]
    ) -> "History":
        """For fields of these names; ``frame`` tells which numbers are amounts."""
        assert columns.entity is not None and columns.time is not None
        amounts = [name for name in numbers if _is_amount(as_numbers(frame[name]))]
        others = [name for name in numbers if name not in amounts]
        value = columns.value if columns.value in numbers else None
        rows = depth(frame[columns.entity])
        return cls(
            columns.entity, columns.time, tuple(amounts), tuple(others), tuple(categories), value, rows
        )

    @property
    def forms(self) -> dict[str, str]:
        """Each column by name, and what it holds: an amount, a ratio or a flag."""
        counts = [
            SINCE,
            *(COUNT.format(span) for span in SPANS),
            *([SUM.format(self.value)] if self.value else []),
        ]
        return {
            **dict.fromkeys(counts, "amount"),
            **{RATIO.format(name): "ratio" for name in self.ratios},
            **{LESS.format(name): "amount" for name in self.differences},
            **{NEW.format(name): "flag" for name in self.categories},
        }

    def of(
        self, frame: pd.DataFrame, context: pd.DataFrame | None = None, rows: Places | None = None
    ) -> pd.DataFrame:
        """The columns ``forms`` of ``rows`` (places in ``frame``; all), NaN where the past does not tell.

        ``context``: earlier rows of the same entities, as ``frame``. Rows arrive in the order of ``reading_id`` where
        all have one, else in that of the frames; ``superseded_by`` is the reading that took the place of one.
        """
        past = _Past.of(self, [part for part in (context, frame) if part is not None])
        start = len(past.seconds) - len(frame)
        rows = np.arange(len(frame)) if rows is None else rows
        found = {name: np.full(len(rows), np.nan) for name in self.forms}
        for at in range(0, len(rows), BLOCK):
            part = slice(at, at + BLOCK)
            for name, values in past.told(start + rows[part]).items():
                found[name][part] = values
        return pd.DataFrame(found, index=frame.index[rows])

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "History":
        lists = {name: tuple(document[name]) for name in ("ratios", "differences", "categories")}
        return cls(**{**document, **lists})


@dataclass(frozen=True)
class _Past:
    """Context and frame in one, and each entity's rows in order of event, then of arrival."""

    history: History
    seconds: Numbers  # (n,)
    arrived: NDArray[np.int64]  # (n,)
    replaced: Numbers  # (n,): when another took its place, in the same count; infinite: never
    numbers: dict[str, Numbers]
    categories: dict[str, NDArray[np.int64]]  # -1: missing
    order: Places  # (usable,): rows that have an entity and a time
    place: Places  # (n,): of a row in ``order``, -1 for none
    first: Places  # (usable,): where in ``order`` a row's entity begins
    plain: NDArray[np.bool_]  # (usable,): whether all rows of its entity came in order and stand as they are

    @classmethod
    def of(cls, history: History, parts: list[pd.DataFrame]) -> "_Past":
        times = [as_times(part[history.time]) for part in parts]
        seconds = np.concatenate(
            [t.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64) / 1e6 for t in times]
        )
        entity = _codes(parts, history.entity)
        known = ~np.concatenate([t.isna().to_numpy() for t in times]) & (entity >= 0)
        arrived = np.arange(len(seconds))
        if all(ARRIVED in part for part in parts):
            arrived = np.concatenate([part[ARRIVED].to_numpy(np.int64) for part in parts])
        replaced = np.concatenate([_replaced(part) for part in parts])
        order = np.lexsort((arrived, seconds, entity))
        order = order[known[order]]
        place = np.full(len(seconds), -1)
        place[order] = np.arange(len(order))
        begins = np.append(True, np.diff(entity[order]) != 0)[: len(order)]
        first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
        late = np.append(False, np.diff(arrived[order]) < 0)[: len(order)] & ~begins
        odd = np.zeros(len(order), bool)
        odd[first[late | np.isfinite(replaced[order])]] = True
        numbers = {*history.ratios, *history.differences, *([history.value] if history.value else [])}
        return cls(
            history, seconds, arrived, replaced,
            {name: np.concatenate([as_numbers(part[name]) for part in parts]) for name in numbers},
            {name: _codes(parts, name) for name in history.categories},
            order, place, first, ~odd[first],
        )  # fmt: skip

    def told(self, rows: Places) -> dict[str, Numbers]:
        """Each column of ``rows`` (m,)."""
        earlier = self.earlier(rows)  # (m, k)
        there: NDArray[np.bool_] = earlier >= 0
        some = there.any(1)
        age = np.where(there, self.seconds[rows, None] - self.seconds[earlier], np.inf)

        def known(values: NDArray[Any]) -> Numbers:
            return np.where(some, values, np.nan)

        found = {SINCE: known(age.min(1, initial=np.inf))}
        found |= {COUNT.format(span): known((age <= length).sum(1)) for span, length in SPANS.items()}
        if self.history.value:
            values = np.nan_to_num(self.numbers[self.history.value][earlier])
            with np.errstate(over="ignore"):
                total = (np.where(age <= DAY, values, 0) / SPARE).sum(1) * SPARE
            found[SUM.format(self.history.value)] = known(_finite(total))
        for name in (*self.history.ratios, *self.history.differences):
            own, usual = (
                self.numbers[name][rows],
                _median(np.where(there, self.numbers[name][earlier], np.nan)),
            )
            with np.errstate(over="ignore"):
                if name in self.history.ratios:
                    found[RATIO.format(name)] = _finite(own / np.where(usual > 0, usual, np.nan))
                else:
                    found[LESS.format(name)] = _finite(own - usual)
        half = self.history.rows // 2
        old: NDArray[np.bool_] = there & (age > DAY)
        # who makes all these rows within a day is compared with the older half of them
        old[:, half:] |= (there.sum(1) == self.history.rows)[:, None] & ~old.any(1, keepdims=True)
        for name, codes in self.categories.items():
            level = codes[rows]
            new = ~(old & (codes[earlier] == level[:, None])).any(1)
            found[NEW.format(name)] = np.where(old.any(1) & (level >= 0), new, np.nan)
        return found

    def earlier(self, rows: Places) -> Places:
        """(m, k): the last rows before each of ``rows`` as it was known then, the newest first; -1 for none."""
        place = self.place[rows]
        before = np.where(place >= 0, place - self.first[np.maximum(place, 0)] if len(self.first) else 0, 0)
        width = int(min(self.history.rows, before.max(initial=0)))
        steps = np.arange(1, width + 1)
        found = np.full((len(rows), width), -1)
        if not width:
            return found
        at = np.maximum(place[:, None] - steps, 0)
        found = np.where(steps <= before[:, None], self.order[at], -1)
        for row in np.flatnonzero((before > 0) & ~self.plain[place]):
            found[row] = self._as_known(rows[row], int(place[row]), int(before[row]), width)
        return found

    def _as_known(self, row: int, place: int, before: int, width: int) -> Places:
        """(width,): one row's past among others that came after it, or were replaced before it came."""
        reach = 2 * width
        while True:
            some = self.order[place - min(reach, before) : place]
            stood = (self.arrived[some] < self.arrived[row]) & (self.replaced[some] > self.arrived[row])
            some = some[stood]
            if len(some) >= width or reach >= before:
                last = some[::-1][:width]
                return np.pad(last, (0, width - len(last)), constant_values=-1)
            reach *= 4


def depth(entities: pd.Series) -> int:
    """How many earlier rows of each entity are looked at where these are the rows of a training."""
    return int(np.clip(CONTEXT // max(entities.nunique(), 1), LEAST, ROWS))


def _is_amount(values: Numbers) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and float((known > 0).mean()) >= 0.99


def _codes(parts: list[pd.DataFrame], name: str) -> NDArray[np.int64]:
    values = np.concatenate([part[name].astype(object).to_numpy() for part in parts])
    return pd.factorize(values)[0].astype(np.int64)


def _replaced(part: pd.DataFrame) -> Numbers:
    if REPLACED not in part:
        return np.full(len(part), np.inf)
    by = part[REPLACED].to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(by), np.inf, by)


def _median(values: Numbers) -> Numbers:
    """(m, k) with NaN for what is not there -> (m,)"""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)  # NaN comes last
    count = (~np.isnan(values)).sum(1)
    row = np.arange(len(values))
    low = ordered[row, np.maximum(count - 1, 0) // 2]
    high = ordered[row, np.minimum(count // 2, values.shape[1] - 1)]
    middle: Numbers = low / 2 + high / 2  # their sum may be infinite
    return np.where(count > 0, middle, np.nan)


def _finite(values: Numbers) -> Numbers:
    """What is beyond all floats is the largest of them: an infinite number would count as missing."""
    return np.clip(values, -LARGEST, LARGEST)
