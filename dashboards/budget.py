"""The budget's panel: what the last 30 days would have been with another budget (of a sensor: what they were), made
ready for the browser."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.domain import writing
from monitor.domain.monitor import Alerts, Monitor
from monitor.domain.review import VERDICTS
from monitor.jobs.budget import changed
from monitor.jobs.trial import FALSE, OPEN, REAL, Level, Trial, past, trial
from monitor.storage import trials
from monitor.storage.database import Session
from monitor.storage.pages import Standing

DAYS = 30
BUDGETS = [*range(1, 20), *range(20, 50, 2), *range(50, 101, 5)]  # about as far apart as a logarithm wants
MINUTES = 4.0  # for a verdict, while nobody has given enough of them
ENOUGH = 10  # verdicts that say more than that assumption
FOUND = {v.name: REAL if v.real else FALSE for v in VERDICTS if v.real is not None}  # what a verdict found
Panel = dict[str, Any]


def compose(reading: Session, m: Standing, now: datetime) -> Panel | None:
    """What the browser shows for each budget, in words and numbers; None while there is no score."""
    config = Monitor.model_validate(m.document)
    zone, alerts = config.schedule.timezone, config.alerts
    midnights = _midnights(now, zone)
    bins = trials.bins(reading, m.monitor_id, midnights[0])
    if bins.empty:
        return None
    flagged = trials.flagged(reading, m.monitor_id, midnights[0])
    flagged["mark"] = flagged["verdict"].map(FOUND).fillna(OPEN).astype(int)
    first, last = bins["bin_at"].iloc[0], bins["bin_at"].iloc[-1]
    midnights = [day for day, after in zip(midnights, [*midnights[1:], now], strict=True) if after > first]
    budgets = sorted({*BUDGETS, alerts.budget or BUDGETS[0]})
    if config.kind == "sensor":
        found = past(flagged, bins, alerts, budgets, midnights)
    else:
        found = trial(flagged, bins, alerts, budgets, midnights, config.entity is not None, m.threshold)
    span = (last - first) / timedelta(days=1)
    took, verdicts = trials.pace(reading)
    minutes = took.total_seconds() / 60 if took and verdicts >= ENOUGH else MINUTES
    return {
        "now": alerts.budget,
        "rule": rule(alerts),
        "seen": alerts.model_dump(mode="json"),
        "tried": found.tried,
        "title": f"Alerts {'that' if found.tried else 'of'} the last {len(midnights)} days"
        + (" would have had" if found.tried else ""),
        "zone": zone,
        "days": [writing.day(day, zone) for day in midnights],
        "levels": [_level(level, found, max(span, 1 / 96), minutes) for level in found.levels],
        "review": f"Review time, {minutes:.2g} min each" + ("" if minutes is not MINUTES else " (assumed)"),
        "how": _how(found, config),
        "undo": _undo(reading, config, now),
    }  # fmt: skip


def _midnights(now: datetime, zone: str) -> list[datetime]:
    """The beginnings of the last 30 days where the monitor is, today's last."""
    today = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=n) for n in reversed(range(DAYS))]


def _level(level: Level, found: Trial, span: float, minutes: float) -> dict[str, Any]:
    totals = [sum(day) for day in level.days]
    a_day = sum(totals) / span
    real, false = (round(sum(day[n] for day in level.days)) for n in (REAL, FALSE))
    ordered = sorted(totals)
    usual = f"{_few(ordered[len(ordered) // 10])} to {_few(ordered[-1 - len(ordered) // 10])}"
    return {
        "budget": level.budget,
        "days": [[round(number, 1) for number in day] for day in level.days],
        "figures": [
            f"{_few(a_day)} ({usual} on most days)",
            f"{sum(total > level.budget for total in totals)} of {len(totals)}",
            *(_shown(level, found) if found.tried else _seen(found)),
            _false(false, real),
            f"{writing.duration(round(a_day * minutes) * 60) if a_day * minutes >= 1 else 'under 1 min'} a day",
        ],
        "capped": level.capped,
    }  # fmt: skip


def _shown(level: Level, found: Trial) -> tuple[str, str]:
    """The threshold of a level, and what it shows of the alerts that people found real."""
    lost = found.real - level.real
    return (
        f"{level.cutoff:.2g}, {writing.odds(level.cutoff)} rows" if level.cutoff else "–",
        f"{level.real} of {found.real}{f', {lost} lost' if lost else ''}"
        if found.real
        else "none was confirmed",
    )


def _seen(found: Trial) -> tuple[str, str]:
    """The same of a sensor, whose levels are not tried."""
    return "it moves", f"{found.real} in these days" if found.real else "none was confirmed"


def _few(number: float) -> str:
    return f"{number:.1f}" if number < 9.95 and number != round(number) else f"{number:.0f}"


def _false(false: int, real: int) -> str:
    """Share of the reviewed alerts that were false, with its interval."""
    if not false + real:
        return "no verdicts yet"
    low, high = writing.interval(false, false + real)
    return f"{writing.percent(false / (false + real))} ({low * 100:.0f}–{high * 100:.0f})"


def rule(alerts: Alerts) -> str:
    """What turns p-values into alerts, in words."""
    if alerts.budget is not None:
        return f"{alerts.budget:g} alert{'' if alerts.budget == 1 else 's'} a day"
    if alerts.fdr is not None:
        return f"false-discovery rate {alerts.fdr:g}"
    return f"p at most {alerts.p_value:g}"


def _how(found: Trial, config: Monitor) -> str:
    """How the bars come about, for whoever decides on them."""
    if not found.tried:
        return (
            "The alerts of these days as they were, whatever budget was in force. Over a sensor a budget is kept by a "
            "threshold that moves: each alert raises it, and time brings it down. What another budget would have shown "
            "hangs on every row in turn, so none is tried; the line is the budget."
        )
    rate, gap = f"{found.rows_per_day:,.0f}", writing.duration(config.alerts.gap)
    each = ", each an alert of its own" if config.entity else ""
    return (
        f"Replayed on the stored outliers, at {rate} rows a day and with a gap of {gap}. Above the threshold in force "
        f"none are stored: new alerts are estimated from the oddest row of each quarter of an hour{each}."
    )


def _undo(reading: Session, config: Monitor, now: datetime) -> str | None:
    """What undo would take back, in words; None where the last change was another."""
    last = changed(reading, config.name)
    if last is None or last.after != config.alerts:
        return None
    when = writing.moment(last.at, config.schedule.timezone, now)
    return f"{rule(last.before)} became {rule(last.after)}, by {last.actor}, {when}; in force from the next score on."
