"""The usual day, and the usual week: what each field does at a time of day, where one is like the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

BINS = 48  # a day: half hours
WEEK = 7 * BINS
SECONDS = 86_400.0
LEAST_TURNS = 1.9  # a day or a week seen once may be anything
EXPLAINED = 0.2  # of a field's variance, on days that were left out; with less the pattern is noise
BETTER = (
    0.05  # of the variance: what a week must explain beyond a day, for it has seven times the bins to fill
)
DRAWN_IN = 5.0  # deviations: a single spike is no daily pattern

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """``profile`` (BINS or WEEK, fields), 0 where days are unlike; what is left has ``middle`` and ``spread``."""

    profile: Numbers
    middle: Numbers  # (fields,)
    spread: Numbers  # (fields,)
    weekly: NDArray[np.bool_]  # (fields,): whether it is a week that comes back, and not each day

    @classmethod
    def fit(cls, level: Floats, missing: NDArray[np.bool_], seconds: Numbers) -> "Day":
        """From values in deviations (n, fields) at times (n,) in any order; UTC days."""
        fields = level.shape[1]
        drawn = np.clip(level.astype(np.float64), -DRAWN_IN, DRAWN_IN)
        daily, weekly = (_Turn.fit(drawn, missing, seconds, bins) for bins in (BINS, WEEK))
        chosen = (weekly.explained >= daily.explained + BETTER) & (weekly.gain > 0)  # (fields,)
        gain, apart = np.where(chosen, weekly.gain, daily.gain), np.where(chosen, weekly.apart, daily.apart)
        if not gain.any():
            return cls(np.zeros((BINS, fields)), np.zeros(fields), np.ones(fields), chosen)
        profile = daily.profile(drawn, missing, seconds)
        if chosen.any():
            profile = np.where(chosen, weekly.profile(drawn, missing, seconds), np.tile(profile, (7, 1)))
        rest = np.where(missing, np.nan, level - gain * apart)
        low, middle, high = np.nanquantile(rest, [0.05, 0.5, 0.95], axis=0)
        std, robust = np.nanstd(rest, axis=0), (high - low) / 3.29
        spread = np.where(robust < 1e-3 * std, std, robust)
        used = (gain > 0) & (spread > 1e-9)
        return cls(
            gain * profile * used, np.where(used, middle, 0.0), np.where(used, spread, 1.0), chosen & used
        )

    def at(self, seconds: Numbers) -> Numbers:
        """(n,) -> (n, fields): the level that is usual at that time of day."""
        known = np.isfinite(seconds)
        found: Numbers = self.profile[_bins(seconds, len(self.profile))] * known[:, None] + self.middle
        return found

    def left_out(self, level: Floats, missing: NDArray[np.bool_], seconds: Numbers) -> Numbers:
        """(n, fields): as ``at``, each row from the other days alone, as a row of a new day would be seen."""
        found = np.where(self.profile.any(0), 0.0, self.at(seconds))
        for bins, chosen in ((BINS, ~self.weekly), (WEEK, self.weekly)):
            used = self.profile.any(0) & chosen
            if used.any():
                drawn = np.clip(level[:, used].astype(np.float64), -DRAWN_IN, DRAWN_IN)
                apart = _left_out(drawn, missing[:, used], seconds, bins)
                gain, _ = _fit(drawn, apart, ~missing[:, used])
                found[:, used] = gain * apart + self.middle[used]
        return found

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("profile", "middle", "spread", "weekly")}

    @classmethod
    def restore(cls, document: Mapping[str, Any]) -> "Day":
        weekly = document.get("weekly", [False] * len(document["middle"]))
        own = {name: np.array(document[name]) for name in ("profile", "middle", "spread")}
        return cls(**own, weekly=np.array(weekly, bool))


@dataclass(frozen=True)
class _Turn:
    """How well the other days, or weeks, of ``bins`` half hours foretell one."""

    bins: int
    gain: Numbers  # (fields,): by what factor, 0 where they explain too little
    explained: Numbers  # (fields,): share of the variance
    apart: Numbers  # (n, fields): what the others have at that time

    @classmethod
    def fit(cls, drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers, bins: int) -> "_Turn":
        timed = seconds[np.isfinite(seconds)]
        if not len(timed) or np.ptp(timed) < LEAST_TURNS * bins / BINS * SECONDS:
            fields = drawn.shape[1]
            return cls(bins, np.zeros(fields), np.zeros(fields), np.zeros(drawn.shape))
        apart = _left_out(drawn, missing, seconds, bins)
        gain, explained = _fit(drawn, apart, ~missing)
        return cls(bins, np.where(explained >= EXPLAINED, gain, 0.0), explained, apart)

    def profile(self, drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers) -> Numbers:
        """(bins, fields)"""
        total, count = _sums(drawn, missing, seconds, self.bins)
        return _profile(total.sum(0), count.sum(0))


def _bins(seconds: Numbers, bins: int) -> NDArray[np.int64]:
    clock = np.where(np.isfinite(seconds), seconds, 0.0) / SECONDS * BINS
    return clock.astype(np.int64) % bins


def _turns(seconds: Numbers, bins: int) -> NDArray[np.int64]:
    """(n,): 0, 1, ... in order of days or weeks; rows without a time are one of their own."""
    _, turn = np.unique(np.floor(seconds / SECONDS * BINS / bins), return_inverse=True)
    return turn.astype(np.int64)


def _sums(drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers, bins: int) -> tuple[Numbers, Numbers]:
    """Sum and count of the half hours of each day or week: (turns, bins, fields) each."""
    turn = _turns(seconds, bins)
    place, size = turn * bins + _bins(seconds, bins), (int(turn.max()) + 1) * bins
    known = ~missing
    total = [np.bincount(place, drawn[:, f] * known[:, f], size) for f in range(drawn.shape[1])]
    count = [np.bincount(place, known[:, f], size).astype(np.float64) for f in range(drawn.shape[1])]
    shape = (-1, bins, drawn.shape[1])
    return np.stack(total, -1).reshape(shape).astype(np.float64), np.stack(count, -1).reshape(shape)


def _profile(total: Numbers, count: Numbers) -> Numbers:
    """(..., BINS, fields): mean over three half hours, around the clock; 0 where there are none."""
    total, count = _around(total), _around(count)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def _around(each: Numbers) -> Numbers:
    summed: Numbers = each + np.roll(each, 1, axis=-2) + np.roll(each, -1, axis=-2)
    return summed


def _left_out(drawn: Numbers, missing: NDArray[np.bool_], seconds: Numbers, bins: int) -> Numbers:
    """(n, fields): the profile of all other days, or weeks, at each row's time."""
    total, count = _sums(drawn, missing, seconds, bins)
    others = _profile(total.sum(0) - total, count.sum(0) - count)  # (turns, bins, fields)
    found: Numbers = others[_turns(seconds, bins), _bins(seconds, bins)]
    return found


def _fit(drawn: Numbers, apart: Numbers, known: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """By what factor 0..1 other days foretell this one, and the share of variance they explain; (fields,) each."""
    count = np.maximum(known.sum(0), 1)
    value = (drawn - (drawn * known).sum(0) / count) * known
    guess = (apart - (apart * known).sum(0) / count) * known
    gain = np.clip((value * guess).sum(0) / np.maximum((guess**2).sum(0), 1e-9), 0, 1)
    explained = 1 - ((value - gain * guess) ** 2).sum(0) / np.maximum((value**2).sum(0), 1e-9)
    return gain, explained
