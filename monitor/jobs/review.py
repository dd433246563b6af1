"""What a person does to an alert; every act is one transaction, taken once, and leaves a line in the audit trail.

Each function but ``wake`` takes a write session and leaves the commit to the caller. ``action_key`` names one press
of a key: the same key a second time changes nothing, so a browser may send again what it is not sure of.
"""

from datetime import datetime, timedelta
from typing import Any

from monitor.domain.alert import ANSWERED, ASKING
from monitor.domain.errors import Conflict
from monitor.domain.review import clean_note, verdict
from monitor.storage import audit, reviews
from monitor.storage.database import Database, Session
from monitor.storage.reviews import Standing


def review(
    session: Session,
    alert_id: int,
    name: str,
    actor: str,
    at: datetime,
    action_key: str,
    *,
    note: str | None = None,
    revision: int | None = None,
) -> int:
    """Close an alert with a verdict; returns the review_id.

    name: one of ``monitor.domain.review.VERDICTS``. revision: refuse if the alert changed since it was looked at.

    Raises:
        Conflict: somebody closed it first, or it is waiting or erased, or it changed since ``revision``.
        UnknownError: there is no such alert or verdict.
    """
    given = verdict(name)
    if repeated := reviews.taken(session, action_key):
        return repeated.review_id
    before = reviews.standing(session, alert_id)
    if before.erased:
        raise _erased(before)
    if not reviews.shift(session, alert_id, ANSWERED, revision, state="closed", verdict=name, closed_at=at):
        if repeated := reviews.taken(session, action_key):  # by another connection, while this one waited
            return repeated.review_id
        raise _refusal(session, before, ANSWERED)
    text = clean_note(note) if note else None
    review_id = reviews.add(
        session,
        {"alert_id": alert_id, "verdict": name, "actor": actor, "at": at, "note": text, "action_key": action_key},
    )  # fmt: skip
    rows = reviews.label(session, before, review_id, given.label, at) if given.label is not None else 0
    detail = {"verdict": name, "review_id": review_id, "labels": rows, "before": _kept(before)}
    _record(session, before, at, actor, "closed", detail | ({"note": text} if text else {}))
    return review_id


def undo(
    session: Session,
    actor: str,
    at: datetime,
    *,
    review_id: int | None = None,
    action_key: str | None = None,
) -> int | None:
    """Take a verdict back (by its number, its action_key, or the actor's last): the alert stands as before.

    Returns the review_id, or None where there was nothing to take back.

    Raises:
        Conflict: the alert is no longer closed by this verdict, or its entity was erased.
    """
    if action_key is not None:
        found = reviews.taken(session, action_key)
    else:
        found = reviews.get(session, review_id) if review_id is not None else reviews.latest(session, actor)
    if found is None or not reviews.take_back(session, found.review_id, actor, at):
        return None
    alert = reviews.standing(session, found.alert_id)
    if alert.erased:
        raise _erased(alert)
    before = reviews.last_change(session, alert.alert_id, "closed").get("before", {"state": "open"})
    until = before.get("snoozed_until")
    restored = reviews.shift(
        session, alert.alert_id, ["closed"], state=before["state"], verdict=None, closed_at=None,
        snoozed_until=datetime.fromisoformat(until) if until else None,
    )  # fmt: skip
    if not restored:
        raise Conflict(
            f"alert {alert.public_id} is {alert.state}, not closed; there is no verdict to take back"
        )
    reviews.unlabel(session, alert, found.review_id)
    detail = {"verdict": found.verdict, "review_id": found.review_id, "undone": True}
    _record(session, alert, at, actor, "reopened", detail)
    return found.review_id


def reopen(session: Session, alert_id: int, actor: str, at: datetime) -> int | None:
    """Take back the verdict by which an alert is closed, whoever gave it; returns the review_id.

    Raises:
        Conflict: it is not closed by a verdict, or its entity was erased.
    """
    given = reviews.standing_review(session, alert_id)
    if given is None:
        alert = reviews.standing(session, alert_id)
        raise Conflict(f"alert {alert.public_id} is {alert.state}, and no verdict on it stands")
    return undo(session, actor, at, review_id=given.review_id)


def snooze(
    session: Session, alert_id: int, actor: str, at: datetime, action_key: str, span: timedelta
) -> None:
    """Put an open alert aside; it comes back by itself after ``span``.

    Raises:
        Conflict: it is closed.
    """
    if reviews.changed_by(session, alert_id, "snoozed", action_key):
        return
    alert = reviews.standing(session, alert_id)
    until = at + span
    if not reviews.shift(session, alert_id, ASKING, state="snoozed", snoozed_until=until):
        raise _refusal(session, alert, ASKING)
    detail = {"until": until.isoformat(), "action_key": action_key}
    _record(session, alert, at, actor, "snoozed", detail)


def unsnooze(session: Session, alert_id: int, actor: str, at: datetime) -> bool:
    """Bring a snoozed alert back; False where it was not snoozed."""
    alert = reviews.standing(session, alert_id)
    if not reviews.shift(session, alert_id, ["snoozed"], state="open", snoozed_until=None):
        return False
    _record(session, alert, at, actor, "reopened", {"snoozed_until": None})
    return True


def wake(database: Database, at: datetime) -> int:
    """Bring back every alert whose snooze is over; returns how many.

    A transaction each: it ends with the trail's lock, behind which no other alert may be waited for.
    """
    with database.read() as session:
        due = reviews.due_snoozes(session, at)
    return sum(_wake(database, alert_id, at) for alert_id in due)


def _wake(database: Database, alert_id: int, at: datetime) -> bool:
    with database.write() as session:
        until = reviews.standing(session, alert_id).snoozed_until
        return until is not None and until <= at and unsnooze(session, alert_id, "monitor", at)


def note(session: Session, alert_id: int, actor: str, at: datetime, action_key: str, text: str) -> None:
    """Add a note to an alert in any state; an empty one is not kept."""
    kept = clean_note(text)
    if not kept or reviews.changed_by(session, alert_id, "noted", action_key):
        return
    alert = reviews.standing(session, alert_id)
    _record(session, alert, at, actor, "noted", {"note": kept, "action_key": action_key})


def claim(session: Session, alert_id: int, actor: str, at: datetime) -> None:
    """Make the actor an alert's owner.

    Raises:
        Conflict: it has another owner, or it is closed.
    """
    alert = reviews.standing(session, alert_id)
    if alert.owner == actor:
        return
    if not reviews.own(session, alert_id, actor, None):
        holder = f"belongs to {alert.owner}" if alert.owner else f"is {alert.state}"
        raise Conflict(f"alert {alert.public_id} {holder}; expected one that is open and free")
    _record(session, alert, at, actor, "claimed", {})


def release(session: Session, alert_id: int, actor: str, at: datetime) -> bool:
    """Give an alert back to everybody; False where it was not the actor's."""
    alert = reviews.standing(session, alert_id)
    if not reviews.own(session, alert_id, None, actor):
        return False
    _record(session, alert, at, actor, "released", {})
    return True


def _kept(alert: Standing) -> dict[str, Any]:
    until = alert.snoozed_until
    return {"state": alert.state, "snoozed_until": until.isoformat() if until else None}


def _record(
    session: Session, alert: Standing, at: datetime, actor: str, kind: str, detail: dict[str, Any]
) -> None:
    reviews.change(session, alert.alert_id, at, kind, actor, detail)
    audit.append(session, at, actor, f"alert.{kind}", f"alert:{alert.public_id}", detail)


def _erased(alert: Standing) -> Conflict:
    return Conflict(f"the entity of alert {alert.public_id} was erased; there is nothing left to decide")


def _refusal(session: Session, alert: Standing, expected: list[str]) -> Exception:
    """Who was first, in a sentence."""
    now = reviews.standing(session, alert.alert_id)
    if now.state in expected:
        return Conflict(f"alert {alert.public_id} changed since it was opened; look at it again")
    last = reviews.standing_review(session, alert.alert_id)
    if last is None:
        return Conflict(
            f"alert {alert.public_id} is {now.state}; expected one that is {' or '.join(expected)}"
        )
    return Conflict(f"alert {alert.public_id} was closed by {last.actor} as {verdict(last.verdict).title!r}")
