"""Monitors as the jobs see them: the document, the pinned fields, the cursor and the counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import UnknownError
from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.domain.run import NO_FILE
from monitor.storage import tables

M = tables.monitors.c
REMOVED = "~deleted~"  # between a removed monitor's old name and its number: its name is free again
CALLED = sa.func.replace(M.name, REMOVED + sa.cast(M.monitor_id, sa.Text), " (removed)")  # as people read it
FIRST = 40  # bits of a reading_id that count a monitor's rows


@dataclass(frozen=True)
class Watched:
    """One monitor as it stands in the database."""

    monitor_id: int
    config: Monitor
    schema: Schema | None
    cursor: dict[str, Any]
    next_reading: int
    created_at: datetime
    removed: bool = False

    @property
    def next_id(self) -> int:
        return self.monitor_id << FIRST | self.next_reading


def ids(monitor_id: int) -> tuple[int, int]:
    """The range of a monitor's reading_ids, both ends included."""
    return monitor_id << FIRST, ((monitor_id + 1) << FIRST) - 1


def listed(session: Session) -> list[Watched]:
    return [_watched(r) for r in session.execute(_present().order_by(M.name))]


def named(session: Session, name: str) -> Watched:
    """
    Raises:
        UnknownError: there is no such monitor; the message lists those there are.
    """
    row = session.execute(_present().where(M.name == name)).first()
    if row is None:
        raise UnknownError("monitor", name, [w.config.name for w in listed(session)])
    return _watched(row)


def get(session: Session, monitor_id: int) -> Watched:
    found = present(session, monitor_id)
    if found is None:
        raise UnknownError("monitor", f"number {monitor_id}", [w.config.name for w in listed(session)])
    return found


def present(session: Session, monitor_id: int) -> Watched | None:
    """The monitor, or None where it was removed."""
    row = session.execute(_present().where(M.monitor_id == monitor_id)).first()
    return _watched(row) if row else None


def everyone(session: Session) -> list[Watched]:
    """Removed monitors too: their rows are still there, under the name that their document has now."""
    return [_watched(r) for r in session.execute(_all().order_by(M.monitor_id))]


def anyone(session: Session, monitor_id: int) -> Watched:
    return _watched(session.execute(_all().where(M.monitor_id == monitor_id)).one())


def pin(session: Session, monitor_id: int, schema: Schema) -> None:
    session.execute(
        sa.update(tables.monitors)
        .where(M.monitor_id == monitor_id)
        .values(fields=schema.model_dump(mode="json"))
    )


def advance(
    session: Session, monitor_id: int, cursor: dict[str, Any], notices: list[str], counts: dict[str, int]
) -> None:
    """Move the cursor and add up the counts, in the transaction that stored the rows."""
    changed: dict[str, Any] = {"cursor": cursor}
    told = session.scalar(sa.select(M.notices).where(M.monitor_id == monitor_id)) or []
    found = [
        notice for notice in told if not notice.startswith(NO_FILE)
    ]  # this one found some, or says so again
    if notices or found != told:
        changed["notices"] = notices[-20:] or found
    for name in ("pulled", "stored", "quarantined", "known"):
        changed[name] = M[name] + counts[name]
    changed["next_reading"] = M.next_reading + counts["stored"]
    session.execute(sa.update(tables.monitors).where(M.monitor_id == monitor_id).values(**changed))


def share(session: Session, monitor_id: int) -> None:
    """Let no reading be replaced or deleted before this transaction ends: whoever does so changes the monitor's row."""
    session.execute(sa.select(M.monitor_id).where(M.monitor_id == monitor_id).with_for_update(read=True))


def _present() -> sa.Select[Any]:
    return _all().where(M.deleted_at.is_(None))


def _all() -> sa.Select[Any]:
    wanted = (M.monitor_id, M.document, M.fields, M.cursor, M.next_reading, M.created_at, M.deleted_at)
    return sa.select(*wanted)


def _watched(row: Any) -> Watched:
    return Watched(
        row.monitor_id,
        Monitor.model_validate(row.document),
        Schema.model_validate(row.fields) if row.fields else None,
        row.cursor,
        row.next_reading,
        row.created_at,
        row.deleted_at is not None,
    )
