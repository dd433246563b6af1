"""What another alert budget would have meant for days that are over, from stored outliers and bins.

At or below the threshold in force every flagged row is stored, and the grouping into alerts is replayed on them.
Above it nothing was flagged, but the oddest row of each quarter of an hour is known: each such bin without a flagged
row, whose oddest row the trial's threshold would flag, is taken as a new row. Where rows have entities, more than one
row of a bin may be odd, each of another entity: rows that come independently at random are assumed for these.

That is for tables, where all rows meet one threshold. Over a sensor a budget is kept by a bar that moves (see
``domain.pace``): what it would have let pass hangs on every row in turn, which outliers and bins do not tell. So no
budget is tried there; the days are shown as they were.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain import policy
from monitor.domain.monitor import Alerts

REAL, FALSE, OPEN, NEW = MARKS = range(
    4
)  # what became of an alert; where its rows differ, the first of these
BIN = timedelta(minutes=15)
NONE = -1  # the entity of a monitor that has none


@dataclass(frozen=True)
class Level:
    """One budget tried on the days.

    cutoff: the p-value it comes to; capped: the policy flags no more, whatever the budget.
    days: for each day alerts that were real, false, not reviewed, and estimated new ones.
    real: alerts that people found real and that it would have shown.
    """

    budget: float
    cutoff: float
    capped: bool
    days: list[list[float]]
    real: int


@dataclass(frozen=True)
class Trial:
    """All budgets on the same days; ``real``: alerts of these days that people found real.

    tried: whether the levels differ; else all show the days as they were.
    """

    levels: list[Level]
    real: int
    rows_per_day: float
    tried: bool = True


@dataclass(frozen=True)
class _Rows:
    """Rows that a threshold may flag, by entity and time."""

    entity: NDArray[np.int64]
    at: NDArray[np.int64]  # microseconds
    day: NDArray[np.int64]  # place among the midnights; -1 before the first
    p_value: NDArray[np.float64]
    mark: NDArray[np.int64]


def trial(
    flagged: pd.DataFrame,
    bins: pd.DataFrame,
    alerts: Alerts,
    budgets: Iterable[float],
    midnights: Sequence[datetime],
    entities: bool,
    threshold: float | None = None,
) -> Trial:
    """Try each of ``budgets`` (alerts a day, rising); ``midnights`` are the days' beginnings, oldest first.

    flagged: stored outliers, with event_at, entity, p_value, alert_id, mark, and always (whatever the threshold).
    bins: quarter hours in their order, with bin_at, p_value, rows, flagged. entities: whether rows belong to many
    entities; threshold: the p-value in force.
    """
    stand = _standing(bins, alerts, threshold)
    if stand < 1:
        bins = bins[(bins["flagged"] > 0) | (bins["p_value"] > (threshold or 0))]
    rate, tops = rows_per_day(bins), np.sort(bins["p_value"].to_numpy())
    odd, starts = bins[bins["flagged"] == 0], _micros(pd.Series(midnights))
    rows = _rows(flagged, odd.iloc[:0] if entities else odd, starts)
    news, news_day, best = odd["p_value"].to_numpy(), _day(_micros(odd["bin_at"]), starts), _best(flagged)
    levels = []
    for budget in budgets:
        cutoff = policy.cutoff(Alerts(budget=budget), rate, [])
        days = _grouped(rows, cutoff, alerts, len(starts))
        if entities:
            days[:, NEW] = _hidden(tops, cutoff) * _counted(news_day[news <= cutoff], len(starts))
        days[:, NEW] *= stand
        shown = int((best <= cutoff).sum())
        levels.append(Level(budget, cutoff, rate > 0 and budget / rate > policy.MOST, days.tolist(), shown))
    return Trial(levels, len(best), rate)


def past(
    flagged: pd.DataFrame,
    bins: pd.DataFrame,
    alerts: Alerts,
    budgets: Iterable[float],
    midnights: Sequence[datetime],
) -> Trial:
    """A sensor's days as they were, for each of ``budgets`` the same; frames and days as of ``trial``."""
    starts = _micros(pd.Series(midnights))
    days = _grouped(_rows(flagged, bins.iloc[:0], starts), 1.0, alerts, len(starts)).tolist()
    real = len(_best(flagged))
    levels = [Level(budget, 0.0, False, days, real) for budget in budgets]
    return Trial(levels, real, rows_per_day(bins), tried=False)


def rows_per_day(bins: pd.DataFrame) -> float:
    """Over the time from the first bin's beginning to the last one's end."""
    if bins.empty:
        return 0.0
    span = bins["bin_at"].max() - bins["bin_at"].min() + BIN
    return float(bins["rows"].sum() / (span / timedelta(days=1)))


def _best(flagged: pd.DataFrame) -> NDArray[np.float64]:
    """Of each alert that people found real, the p-value from which on it is shown."""
    p_values = flagged["p_value"].where(~flagged["always"], 0.0)[flagged["mark"] == REAL]
    return p_values.groupby(flagged["alert_id"]).min().to_numpy()


def _rows(flagged: pd.DataFrame, odd: pd.DataFrame, midnights: NDArray[np.int64]) -> _Rows:
    codes = pd.factorize(flagged["entity"], use_na_sentinel=True)[0]  # without an entity: -1, as NONE
    entity = np.append(codes, np.full(len(odd), NONE)).astype(np.int64)
    at = np.append(_micros(flagged["event_at"]), _micros(odd["bin_at"]))
    p_value = np.append(flagged["p_value"].where(~flagged["always"], 0.0), odd["p_value"])
    mark = np.append(flagged["mark"], np.full(len(odd), NEW)).astype(np.int64)
    order = np.lexsort((at, entity))
    at = at[order]
    return _Rows(entity[order], at, _day(at, midnights), p_value[order], mark[order])


def _grouped(rows: _Rows, cutoff: float, alerts: Alerts, days: int) -> NDArray[np.float64]:
    """(days, marks): the alerts that the rows at or below ``cutoff`` make, by the rule that scoring follows."""
    kept = rows.p_value <= cutoff
    entity, at, mark, day = rows.entity[kept], rows.at[kept], rows.mark[kept], rows.day[kept]
    if not len(at):
        return np.zeros((days, len(MARKS)))
    gap, lasting = (int(span / timedelta(microseconds=1)) for span in (alerts.gap, alerts.min_duration))
    begins = np.flatnonzero(np.append(True, (np.diff(entity) != 0) | (np.diff(at) > gap)))
    ends = np.append(begins[1:], len(at)) - 1
    least = int(alerts.of.split("/")[0])
    told = (at[ends] - at[begins] >= lasting) & (ends - begins + 1 >= least) & (day[begins] >= 0)
    worst = np.minimum.reduceat(mark, begins)
    places = (day[begins] * len(MARKS) + worst)[told]
    return _counted(places, days * len(MARKS)).reshape(days, len(MARKS))


def _day(at: NDArray[np.int64], midnights: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(midnights, at, side="right") - 1


def _counted(places: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.bincount(places[places >= 0], minlength=size).astype(np.float64)


def _hidden(tops: NDArray[np.float64], cutoff: float) -> float:
    """How many rows lie below a threshold for each bin whose oddest row does; ``tops`` ascending.

    With h of B bins hit by rows that come independently, -B ln(1 - h/B) rows came.
    """
    hit, of = int(np.searchsorted(tops, cutoff, side="right")), len(tops)
    return -of / hit * math.log1p(-min(hit, of - 0.5) / of) if hit else 1.0  # all hit: more than can be told


def _standing(bins: pd.DataFrame, alerts: Alerts, threshold: float | None) -> float:
    """Share of odd rows that floors and direction let pass, as it was at the threshold in force."""
    odd = bins[bins["p_value"] <= (threshold or 0)]
    if odd.empty or not (alerts.floor or alerts.direction != "both"):
        return 1.0
    return float((odd["flagged"] > 0).mean())


def _micros(times: "pd.Series[pd.Timestamp]") -> NDArray[np.int64]:
    return pd.to_datetime(times, utc=True).to_numpy("datetime64[us]").astype(np.int64)
