"""Outliers of one entity and time span become one alert: pure rules, no clock and no session."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

SEVERITIES = {1: "low", 2: "medium", 3: "high", 4: "critical"}
State = Literal["waiting", "open", "snoozed", "closed", "suppressed"]
ASKING = ["open", "snoozed"]  # states in which an alert asks for a verdict
ANSWERED = [*ASKING, "suppressed"]  # in which a verdict is taken: what was muted or is history has one too
LIVE = ["waiting", *ASKING]  # in which nothing was decided on it
GROWING = [*LIVE, "suppressed"]  # in which outliers may join it
HISTORY = "replayed history"  # why an alert of a first replay is suppressed


@dataclass(frozen=True)
class Outlier:
    """One flagged reading. ``settled``: the rule on consecutive rows (k of n) is met at it.

    ``bar``: the p-value it had to reach, where that is not the same for all.
    """

    reading_id: int
    entity: str | None
    event_at: datetime
    p_value: float
    value: float | None
    why: str
    brief: str
    fields: tuple[str, ...]
    provisional: bool
    settled: bool = True
    bar: float = 1.0


@dataclass(frozen=True)
class Alert:
    """What a person triages. ``alert_id`` is None until it is stored."""

    alert_id: int | None
    entity: str | None
    state: State
    severity: int
    first_event_at: datetime
    last_event_at: datetime
    members: int
    p_value: float
    value: float | None
    why: str
    brief: str
    fields: tuple[str, ...]
    provisional: bool
    settled: bool
    suppressed_by: str | None = None

    @property
    def rank(self) -> float:
        """Severity first, then the money at risk, then how odd it is."""
        return self.severity * 1e9 + min(self.value or 0.0, 9e8) + oddness(self.p_value) / 1000


@dataclass(frozen=True)
class Mute:
    """A suppression: an entity (None: all) is not shown for a while, and why."""

    entity: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str

    def covers(self, outlier: Outlier) -> bool:
        return self.entity in (None, outlier.entity) and self.starts_at <= outlier.event_at < self.ends_at


@dataclass(frozen=True)
class Rule:
    """How outliers are put together.

    gap:          outliers of one entity that are no further apart belong together
    min_duration: an alert waits until it has lasted so long
    cutoff:       p-value at which a row is flagged; severity is counted in factors of ten below it
    history_ends: what happened before is stored as suppressed: the replay of a first model, not news
    """

    gap: timedelta
    min_duration: timedelta
    cutoff: float
    history_ends: datetime | None = None


@dataclass(frozen=True)
class Change:
    """One alert after a batch. ``kind``: opened, grew, confirmed, escalated; None where nobody is to be told yet."""

    alert: Alert
    new: tuple[Outlier, ...]
    kind: Literal["opened", "grew", "confirmed", "escalated", "suppressed"] | None


def oddness(p_value: float) -> float:
    """-log10 p, at most 300."""
    return min(300.0, -math.log10(max(p_value, 1e-300)))


def severity(p_value: float, cutoff: float) -> int:
    """1 at the cutoff, one more for each factor of ten below it, at most 4.

    >>> severity(0.001, 0.002), severity(0.00001, 0.002), severity(0.0, 0.002)
    (1, 3, 4)
    """
    return max(1, min(4, 1 + int(oddness(p_value) - oddness(max(cutoff, 1e-12)))))


def _severity(outlier: Outlier, rule: Rule) -> int:
    return severity(outlier.p_value, min(outlier.bar, rule.cutoff))


def group(
    outliers: Iterable[Outlier], alerts: Sequence[Alert], mutes: Sequence[Mute], rule: Rule
) -> list[Change]:
    """Put each outlier into exactly one alert: the open one of its entity it is near to, or a new one."""
    kept: dict[str | None, list[Alert]] = {}
    for alert in alerts:
        kept.setdefault(alert.entity, []).append(alert)
    joined: dict[tuple[str | None, int], list[Outlier]] = {}
    for outlier in sorted(outliers, key=lambda o: (o.event_at, o.reading_id)):
        mine = kept.setdefault(outlier.entity, [])
        cause = _cause(outlier, mutes, rule)
        place = next((n for n, a in enumerate(mine) if _near(a, outlier, rule, cause)), None)
        if place is None:
            place = len(mine)
            mine.append(_fresh(outlier, cause, rule))
        else:
            mine[place] = _grown(mine[place], outlier, rule)
        joined.setdefault((outlier.entity, place), []).append(outlier)
    before = {a.alert_id: a for a in alerts}
    return [_change(kept[e][n], before, new, rule) for (e, n), new in joined.items()]


def _cause(outlier: Outlier, mutes: Sequence[Mute], rule: Rule) -> str | None:
    """Why it is suppressed; None where it is not."""
    muted = next((m.reason for m in mutes if m.covers(outlier)), None)
    historic = rule.history_ends is not None and outlier.event_at < rule.history_ends
    return muted or (HISTORY if historic else None)


def _near(alert: Alert, outlier: Outlier, rule: Rule, cause: str | None) -> bool:
    if alert.state == "closed" or (alert.suppressed_by if alert.state == "suppressed" else None) != cause:
        return False
    return alert.first_event_at - rule.gap <= outlier.event_at <= alert.last_event_at + rule.gap


def _fresh(outlier: Outlier, cause: str | None, rule: Rule) -> Alert:
    return Alert(
        None, outlier.entity, "suppressed" if cause else "waiting", _severity(outlier, rule),
        outlier.event_at, outlier.event_at, 1, outlier.p_value, outlier.value, outlier.why, outlier.brief,
        outlier.fields, outlier.provisional, outlier.settled, cause,
    )  # fmt: skip


def _grown(alert: Alert, outlier: Outlier, rule: Rule) -> Alert:
    stronger = outlier.p_value < alert.p_value
    value = None if alert.value is outlier.value is None else (alert.value or 0.0) + (outlier.value or 0.0)
    grown = replace(
        alert,
        first_event_at=min(alert.first_event_at, outlier.event_at),
        last_event_at=max(alert.last_event_at, outlier.event_at),
        members=alert.members + 1,
        p_value=min(alert.p_value, outlier.p_value),
        severity=max(alert.severity, _severity(outlier, rule)),
        value=value,
        provisional=alert.provisional and outlier.provisional,
        settled=alert.settled or outlier.settled,
    )
    if stronger:
        grown = replace(grown, why=outlier.why, brief=outlier.brief, fields=outlier.fields)
    return grown


def _change(alert: Alert, before: dict[int | None, Alert], new: list[Outlier], rule: Rule) -> Change:
    lasted = alert.last_event_at - alert.first_event_at
    old = before.get(alert.alert_id) if alert.alert_id is not None else None
    if alert.state == "suppressed":
        return Change(alert, tuple(new), "suppressed" if old is None else None)
    if alert.state == "waiting":
        if not alert.settled or lasted < rule.min_duration:
            return Change(alert, tuple(new), None)
        return Change(replace(alert, state="open"), tuple(new), "opened")
    assert old is not None
    if old.provisional and not alert.provisional:
        return Change(alert, tuple(new), "confirmed")  # what the replay showed goes on: now it is news
    return Change(alert, tuple(new), "escalated" if alert.severity > old.severity else "grew")
