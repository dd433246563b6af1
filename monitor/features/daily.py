"""The usual day: what each field does at a time of day, where one day is like the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

BINS = 48  # a day: half hours
SECONDS = 86_400.0
LEAST_SPAN = 1.9 * SECONDS  # a day seen once may be anything
EXPLAINED = 0.2  # of a field's variance, on days that were left out; with less the pattern is noise
DRAWN_IN = 5.0  # deviations: a single spike is no daily pattern

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """``profile`` (BINS, fields), 0 where days are unlike; what is left of a field has ``middle`` and ``spread``."""

    profile: Numbers
    middle: Numbers  # (fields,)
    spread: Numbers  # (fields,)

    @classmethod
    def fit(cls, level: Floats, missing: NDArray[np.bool_], seconds: Numbers) -> "Day":
        """From values in deviations (n, fields) at times (n,) in any order; UTC days."""
        fields = level.shape[1]
        flat = cls(np.zeros((BINS, fields)), np.zeros(fields), np.ones(fields))
        timed = seconds[np.isfinite(seconds)]
        if not len(timed) or np.ptp(timed) < LEAST_SPAN:
            return flat
        drawn = np.clip(level.astype(np.float64), -DRAWN_IN, DRAWN_IN)
        apart = _left_out(drawn, missing, seconds)
        gain, explained = _fit(drawn, apart, ~missing)
        gain = np.where(explained >= EXPLAINED, gain, 0.0)
        if not gain.any():
            return flat
        total, count = _sums(drawn, missing, seconds)
        profile = gain * _profile(total.sum(0), count.sum(0))
        rest = np.where(missing, np.nan, level - gain * apart)
        low, middle, high = np.nanquantile(rest, [0.05, 0.5, 0.95], axis=0)
        std, robust = np.nanstd(rest, axis=0), (high - low) / 3.29
        spread = np.where(robust < 1e-3 * std, std, robust)
        used = (gain > 0) & (spread > 1e-9)
        return cls(profile * used, np.where(used, middle, 0.0), np.where(used, spread, 1.0))

    def at(self, seconds: Numbers) -> Numbers:
        """(n,) -> (n, fields): the level that is usual at that time of day."""
        known = np.isfinite(seconds)
        found: Numbers = self.profile[_bins(seconds)] * known[:, None] + self.middle
        return found

    def left_out(self, level: Floats, missing: NDArray[np.bool_], seconds: Numbers) -> Numbers:
        """(n, fields): as ``at``, each row from the other days alone, as a row of a new day would be seen."""
        used = self.profile.any(0)
        if not used.any():
            return self.at(seconds)
        drawn = np.clip(level[:, used].astype(np.float64), -DRAWN_IN, DRAWN_IN)
        apart = _left_out(drawn, missing[:, used], seconds)
        gain, _ = _fit(drawn, apart, ~missing[:, used])
        found = np.zeros(level.shape)
        found[:, used] = gain * apart + self.middle[used]
        return found

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("profile", "middle", "spread")}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "Day":
        return cls(**{name: np.array(values) for name, values in document.items()})


def _bins(seconds: Numbers) -> NDArray[np.int64]:
    clock = np.where(np.isfinite(seconds), seconds, 0.0) % SECONDS
    return (clock / SECONDS * BINS).astype(np.int64) % BINS


def _days(seconds: Numbers) -> NDArray[np.int64]:
    """(n,): 0, 1, ... in order; rows without a time are a day of their own."""
    _, day = np.unique(np.floor(seconds / SECONDS), return_inverse=True)
    return day.astype(np.int64)


def _sums(drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers) -> tuple[Numbers, Numbers]:
    """Sum and count of each day's half hours: (days, BINS, fields) each."""
    day = _days(seconds)
    place, size = day * BINS + _bins(seconds), (int(day.max()) + 1) * BINS
    known = ~missing
    total = [np.bincount(place, drawn[:, f] * known[:, f], size) for f in range(drawn.shape[1])]
    count = [np.bincount(place, known[:, f], size) for f in range(drawn.shape[1])]
    shape = (-1, BINS, drawn.shape[1])
    return np.stack(total, -1).reshape(shape).astype(np.float64), np.stack(count, -1).reshape(shape).astype(
        np.float64
    )


def _profile(total: Numbers, count: Numbers) -> Numbers:
    """(..., BINS, fields): mean over three half hours, around the clock; 0 where there are none."""
    total, count = _around(total), _around(count)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def _around(each: Numbers) -> Numbers:
    summed: Numbers = each + np.roll(each, 1, axis=-2) + np.roll(each, -1, axis=-2)
    return summed


def _left_out(drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers) -> Numbers:
    """(n, fields): the profile of all other days at each row's time of day."""
    total, count = _sums(drawn, missing, seconds)
    others = _profile(total.sum(0) - total, count.sum(0) - count)  # (days, BINS, fields)
    found: Numbers = others[_days(seconds), _bins(seconds)]
    return found


def _fit(drawn: Numbers, apart: Numbers, known: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """By what factor 0..1 other days foretell this one, and the share of variance they explain; (fields,) each."""
    count = np.maximum(known.sum(0), 1)
    value = (drawn - (drawn * known).sum(0) / count) * known
    guess = (apart - (apart * known).sum(0) / count) * known
    gain = np.clip((value * guess).sum(0) / np.maximum((guess**2).sum(0), 1e-9), 0, 1)
    explained = 1 - ((value - gain * guess) ** 2).sum(0) / np.maximum((value**2).sum(0), 1e-9)
    return gain, explained
