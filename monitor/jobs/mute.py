"""Mutes: alerts of an entity or of a whole monitor that nobody is to be shown for a while. They are stored and counted.

Each function takes a write session and leaves the commit to the caller; each leaves a line in the audit trail.
"""

from datetime import UTC, datetime, timedelta

from monitor.domain.errors import Conflict, MonitorError, UnknownError
from monitor.domain.review import clean_note
from monitor.domain.schedule import parse_end
from monitor.storage import audit, monitors, mutes, reviews
from monitor.storage.database import Session
from monitor.storage.monitors import Watched
from monitor.storage.mutes import Standing

SPANS = {1: timedelta(hours=4), 2: timedelta(days=1), 3: timedelta(days=3), 4: timedelta(days=7),
         5: timedelta(days=30)}  # fmt: skip
LONGEST = timedelta(days=366)  # a mute that nobody sees the end of is a monitor that nobody watches


class WrongMute(MonitorError):
    """What was asked for is no mute."""

    wrong_request = True


def add(
    session: Session, name: str, actor: str, at: datetime, *, entity: str | None, until: datetime, reason: str
) -> int:
    """Mute a monitor, or one of its entities, from now on; returns the mute's number.

    Raises:
        WrongMute: no reason, an end that is past or more than a year away, or an entity where there are none.
        UnknownError: there is no such monitor.
    """
    made = _made(session, monitors.named(session, name), actor, at, entity, until, reason)
    return _recorded(session, name, made)


def of_alert(
    session: Session, alert_id: int, actor: str, at: datetime, action_key: str, *, whole: bool, span: timedelta,
    reason: str,
) -> int | None:  # fmt: skip
    """Mute the entity of an alert, or (``whole``) its monitor; None where this press was taken before.

    The alert itself stays as it is: it still waits for a verdict.

    Raises:
        WrongMute: as ``add``.
        Conflict: the alert's monitor was removed, or its entity erased.
    """
    if reviews.changed_by(session, alert_id, "muted", action_key):
        return None
    alert = reviews.standing(session, alert_id)
    watched = monitors.present(session, alert.monitor_id)
    if watched is None or alert.erased:
        raise Conflict(
            f"the {'entity' if watched else 'monitor'} of alert {alert.public_id} is gone; nothing to mute"
        )
    if alert.entity is None and not whole:
        raise WrongMute(f"alert {alert.public_id} has no entity; mute the whole monitor")
    entity, until = None if whole else alert.entity, at + span
    made = _made(session, watched, actor, at, entity, until, reason)
    detail = {"mute": made.suppression_id, "until": until.isoformat(), "note": made.reason, "action_key": action_key,
              "whole": entity is None}  # fmt: skip
    reviews.change(session, alert_id, at, "muted", actor, detail)
    return _recorded(session, watched.config.name, made)  # the trail's lock comes last


def of_press(session: Session, alert_id: int, action_key: str) -> int | None:
    """The mute that a press on an alert made."""
    number: int | None = reviews.change_of(session, alert_id, "muted", action_key).get("mute")
    return number


def end(session: Session, number: int, actor: str, at: datetime) -> Standing:
    """End a mute before its time: what happens from now on is shown again.

    Raises:
        UnknownError: there is no such mute.
        Conflict: it has ended already.
    """
    found = mutes.get(session, number)
    if found is None:
        raise UnknownError("mute", str(number), [str(m["suppression_id"]) for m in mutes.listed(session, at)])
    if not mutes.end(session, number, at):
        raise Conflict(f"mute {number} ended already, at {found.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    name = monitors.anyone(session, found.monitor_id).config.name
    detail = {"mute": number, "entity": found.entity, "until": at.isoformat(), "reason": found.reason}
    audit.append(session, at, actor, "mute.ended", f"monitor:{name}", detail)
    return found


def read_end(until: str | None, span: str | None, now: datetime) -> datetime:
    """The end of a mute from ``--until`` (a date or a time; without a zone it is UTC) or ``--for`` (a duration).

    Raises:
        WrongMute: neither or both are given, or it is neither.

    >>> read_end(None, "2d", datetime(2026, 1, 1, tzinfo=UTC)).isoformat()
    '2026-01-03T00:00:00+00:00'
    """
    if (until is None) == (span is None):
        raise WrongMute("every mute ends: give either --until, such as 2027-01-31, or --for, such as 2d")
    try:
        return parse_end(until or span or "", now)
    except ValueError as fault:
        raise WrongMute(f"{'--until' if until is not None else '--for'}: {fault}") from None


def _made(
    session: Session,
    watched: Watched,
    actor: str,
    at: datetime,
    entity: str | None,
    until: datetime,
    reason: str,
) -> Standing:
    name, why = watched.config.name, clean_note(reason)
    if not why:
        raise WrongMute("a mute needs a reason: whoever misses an alert has to know why")
    if not at < until <= at + LONGEST:
        raise WrongMute(f"a mute until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: expected an end ahead, "
                        f"at most {LONGEST.days} days from now")  # fmt: skip
    if entity is not None and watched.config.entity is None:
        raise WrongMute(f"{name} has no entities; mute the whole monitor")
    number = mutes.add(session, monitor_id=watched.monitor_id, entity=entity, reason=why, actor=actor, starts_at=at,
                       ends_at=until)  # fmt: skip
    return Standing(number, watched.monitor_id, entity, why, actor, at, until)


def _recorded(session: Session, name: str, made: Standing) -> int:
    until = made.ends_at.astimezone(UTC).isoformat()
    detail = {"mute": made.suppression_id, "entity": made.entity, "until": until, "reason": made.reason}
    audit.append(session, made.starts_at, made.actor, "mute.added", f"monitor:{name}", detail)
    return made.suppression_id
