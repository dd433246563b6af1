"""Pinning: trainings go on, but none takes over by itself until the champion is unpinned."""

from datetime import datetime

from monitor.domain.errors import Conflict, MonitorError
from monitor.domain.review import clean_note
from monitor.domain.version import Kind, Step
from monitor.storage import audit, monitors, versions
from monitor.storage.database import Session
from monitor.storage.versions import Version


def pin(
    session: Session,
    name: str,
    pinned: bool,
    actor: str,
    now: datetime,
    why: str = "",
    number: int | None = None,
) -> Version:
    """Pin or unpin a monitor's champion; nothing happens where it is so already.

    number: the version that the person saw as the champion.

    Raises:
        MonitorError: there is no champion yet.
        Conflict: another version became champion meanwhile.
    """
    monitor_id = monitors.named(session, name).monitor_id
    champion = versions.champion(session, monitor_id)
    if champion is None:
        raise MonitorError(f"{name} has no champion yet; the first training makes one")
    if number is not None and number != champion.number:
        raise _replaced(name, number, champion)
    kind: Kind = "pinned" if pinned else "unpinned"
    reason = clean_note(why) or "no reason given"
    if versions.set_pinned(session, champion, Step(kind, actor, now, reason)):
        detail = {"version": champion.number, "reason": reason}
        audit.append(session, now, actor, f"version.{kind}", f"monitor:{name}", detail)
    else:  # it was so already, unless the gate came first
        present = versions.champion(session, monitor_id)
        if present is not None and present.version_id != champion.version_id:
            raise _replaced(name, champion.number, present)
    return champion


def _replaced(name: str, number: int, champion: Version) -> Conflict:
    return Conflict(f"v{number} is no longer the champion of {name}, v{champion.number} is; nothing changed")
