"""Holds as people set them: what retention and erasures leave alone, why, and until when."""

from datetime import UTC, datetime

from monitor.domain import erasure
from monitor.domain.errors import Conflict, MonitorError, UnknownError
from monitor.domain.schedule import parse_end
from monitor.jobs.context import Context
from monitor.storage import audit, erasures, holds, keys, monitors, reviews
from monitor.storage.holds import Hold


class WrongHold(MonitorError):
    """What was asked for is no hold."""

    wrong_request = True


def add(
    context: Context,
    actor: str,
    *,
    entity: str | None = None,
    monitor: str | None = None,
    alert: str | None = None,
    reason: str,
    until: datetime,
) -> int:
    """Hold the rows of an entity (on one monitor, or on all) or of an alert; returns the hold's number.

    Raises:
        WrongHold: not exactly one of entity and alert, no reason, or an end that is past.
        UnknownError: there is no such monitor or alert.
    """
    now = context.now()
    if (entity is None) == (alert is None) or (alert is not None and monitor is not None):
        raise WrongHold("hold either an entity (with --monitor for one monitor alone) or an alert")
    if not reason.strip():
        raise WrongHold("a hold needs a reason: whoever finds it has to know why it is there")
    if until <= now:
        raise WrongHold(f"a hold until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC has ended already")
    with context.database.write() as session:
        monitor_id = monitors.named(session, monitor).monitor_id if monitor else None
        if alert is not None:
            monitor_id = reviews.standing_of(session, alert).monitor_id
        hold_id = holds.add(session, monitor_id=monitor_id, entity=entity, alert=alert, reason=reason.strip(),
                            actor=actor, starts_at=now, ends_at=until)  # fmt: skip
        key = keys.drawn(session, erasures.KEY, now)
        whose = {"alert": alert} if alert else {"entity": erasure.digest(key, entity or "")}  # never its name
        detail = {
            "reason": reason.strip(),
            "until": until.astimezone(UTC).isoformat(),
            "monitor": monitor,
            **whose,
        }
        audit.append(session, now, actor, "hold.added", f"hold:{hold_id}", detail)
    return hold_id


def release(context: Context, actor: str, hold_id: int) -> Hold:
    """End a hold before its time.

    Raises:
        UnknownError: there is no such hold.
        Conflict: it has ended already.
    """
    now = context.now()
    with context.database.write() as session:
        found = holds.get(session, hold_id)
        if found is None:
            standing = [str(h["hold_id"]) for h in holds.listed(session, now)]
            raise UnknownError("hold", str(hold_id), standing)
        if not holds.release(session, hold_id, actor, now):
            ended = found.released_at or found.ends_at
            raise Conflict(f"hold {hold_id} ended already, at {ended.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        audit.append(session, now, actor, "hold.released", f"hold:{hold_id}", {"reason": found.reason})
    return found


def read_until(text: str, now: datetime) -> datetime:
    """When a hold ends, as ``monitor.domain.schedule.parse_end`` reads it.

    Raises:
        WrongHold: it is no time.
    """
    try:
        return parse_end(text, now)
    except ValueError as fault:
        raise WrongHold(f"--until: {fault}") from None
