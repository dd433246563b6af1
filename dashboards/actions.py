"""Presses from the browser, taken in order, each once."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from monitor.domain.errors import MonitorError
from monitor.domain.review import SNOOZES
from monitor.jobs import mute, review
from monitor.storage import reviews
from monitor.storage.database import Database, Session

MOST = 500  # unacknowledged presses that one message may hold


class Action(BaseModel):
    """One press, as the browser sends it; ``of`` is the number of the press that an undo takes back."""

    n: Annotated[int, Field(gt=0)]
    do: Literal["verdict", "undo", "reopen", "snooze", "mute", "unmute", "note", "claim", "release"]
    alert: Annotated[str, Field(max_length=40)]
    verdict: Annotated[str, Field(max_length=20)] = ""
    of: int = 0
    choice: int = 1  # a span of a snooze or a mute; the number of a mute that is to end
    whole: bool = False
    text: Annotated[str, Field(max_length=5000)] = ""


@dataclass
class Tray:
    """What a browser's page has sent so far; the numbers above ``taken`` are new."""

    taken: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


def take(database: Database, sent: Any, trays: dict[str, Tray], actor: str, now: datetime) -> list[str]:
    """Apply what is above the last acknowledged number; returns the public ids of the alerts concerned.

    Each press is a transaction of its own. One that cannot be taken is acknowledged with the reason, so that
    the others go on; only a failing database leaves the numbers as they are, and the browser sends again.
    """
    if not isinstance(sent, dict) or not re.fullmatch(r"[\w-]{8,40}", str(sent.get("tray"))):
        return []
    name = str(sent["tray"])
    tray = trays.setdefault(name, Tray())
    touched = []
    for raw in sorted(_usable(sent.get("list")), key=lambda a: a["n"]):
        if raw["n"] <= tray.taken:
            continue
        try:
            action = Action.model_validate(raw)
            with database.write() as session:
                _apply(session, action, f"{actor}:{name}", actor, now)
            touched.append(action.alert)
        except (MonitorError, ValidationError) as fault:
            reason = (
                str(fault) if isinstance(fault, MonitorError) else "a press that this version does not know"
            )
            tray.refused = [*tray.refused[-20:], {"n": raw["n"], "message": reason}]
        tray.taken = raw["n"]
    return touched


def _usable(sent: Any) -> list[dict[str, Any]]:
    whole = sent[:MOST] if isinstance(sent, list) else []
    return [a for a in whole if isinstance(a, dict) and isinstance(a.get("n"), int)]


def _apply(session: Session, action: Action, prefix: str, actor: str, now: datetime) -> None:
    key = f"{prefix}:{action.n}"
    alert = reviews.standing_of(session, action.alert)
    match action.do:
        case "verdict":
            review.review(session, alert.alert_id, action.verdict, actor, now, key)
        case "undo":
            before = f"{prefix}:{action.of}"
            if reviews.changed_by(session, alert.alert_id, "snoozed", before):
                review.unsnooze(session, alert.alert_id, actor, now)
            elif (number := mute.of_press(session, alert.alert_id, before)) is not None:
                mute.end(session, number, actor, now)
            else:
                review.undo(session, actor, now, action_key=before)
        case "reopen":
            review.reopen(session, alert.alert_id, actor, now)
        case "snooze":
            span = SNOOZES.get(action.choice, SNOOZES[1])
            review.snooze(session, alert.alert_id, actor, now, key, span)
        case "mute":
            span = mute.SPANS.get(action.choice, mute.SPANS[1])
            mute.of_alert(
                session, alert.alert_id, actor, now, key, whole=action.whole, span=span, reason=action.text
            )
        case "unmute":
            mute.end(session, action.choice, actor, now)
        case "note":
            review.note(session, alert.alert_id, actor, now, key, action.text)
        case "claim":
            review.claim(session, alert.alert_id, actor, now)
        case "release":
            review.release(session, alert.alert_id, actor, now)
