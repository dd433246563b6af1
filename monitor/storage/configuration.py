"""The configuration in the database: what is in force, and every document that was applied."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.document import READ, RULE, Difference
from monitor.domain.field import Schema
from monitor.domain.monitor import Document
from monitor.storage import readings, removal, tables, versions
from monitor.storage.upsert import insert

LOCK = 4_710_003  # PostgreSQL's advisory lock of the configuration
M, C, D = tables.monitors.c, tables.channels.c, tables.config_revisions.c


@dataclass(frozen=True)
class Revision:
    """A document with who made it the one in force, and when."""

    at: datetime
    actor: str
    document: Document
    origin: str


def current(session: Session) -> Document:
    """The document in force, whoever changed it last, in the order of the newest revision."""
    monitors = session.scalars(
        sa.select(M.document).where(M.deleted_at.is_(None)).order_by(M.monitor_id)
    ).all()
    channels = session.scalars(sa.select(C.document).where(C.deleted_at.is_(None)).order_by(C.name)).all()
    newest = session.scalar(sa.select(D.document).order_by(D.revision_id.desc()).limit(1)) or {}
    return Document.model_validate(
        {
            part: sorted(rows, key=lambda r: _place(newest.get(part, []), r["name"]))
            for part, rows in (("monitors", monitors), ("channels", channels))
        }
    )


def _place(listed: list[dict[str, str]], name: str) -> int:
    return next((n for n, part in enumerate(listed) if part["name"] == name), len(listed))


def last_applied(session: Session) -> Document | None:
    """The newest document that came from a file."""
    found = newest(session, "file")
    return found.document if found else None


def newest(session: Session, origin: str) -> Revision | None:
    """The newest revision from ``file`` or ``dashboard``."""
    row = session.execute(
        sa.select(D.at, D.actor, D.document, D.origin)
        .where(D.origin == origin)
        .order_by(D.revision_id.desc())
        .limit(1)
    ).first()
    return Revision(row.at, row.actor, Document.model_validate(row.document), row.origin) if row else None


def last_two(session: Session) -> list[Revision]:
    """The newest revision and the one before it."""
    rows = session.execute(
        sa.select(D.at, D.actor, D.document, D.origin).order_by(D.revision_id.desc()).limit(2)
    )
    return [Revision(r.at, r.actor, Document.model_validate(r.document), r.origin) for r in rows]


def revise(session: Session, document: Document, actor: str, origin: str, now: datetime) -> None:
    session.execute(
        sa.insert(tables.config_revisions).values(
            at=now, actor=actor, origin=origin, document=document.model_dump(mode="json")
        )
    )


def with_rows(session: Session) -> dict[str, Schema]:
    """Name -> pinned fields of each monitor that has stored rows."""
    rows = session.execute(sa.select(M.name, M.fields).where(M.deleted_at.is_(None), M.next_reading > 1))
    return {name: Schema.model_validate(fields or {}) for name, fields in rows}


def carry_out(
    session: Session, change: Difference, document: Document, now: datetime, actor: str = "monitor"
) -> int | None:
    """Write one difference; returns the monitor_id of a new monitor."""
    if change.what == "channel":
        _channel(session, change, document, now)
        return None
    if change.kind == "remove":
        removal.remove(session, _number(session, change.name), actor, now)
        return None
    config = next(m for m in document.monitors if m.name == change.name)
    values = config.model_dump(mode="json")
    _queue(session, config.queue, now)
    if change.kind == "change":
        session.execute(sa.update(tables.monitors).where(M.name == change.name).values(document=values))
        if config.kind == "sensor" and change.within(RULE):
            versions.forget_threshold(session, _number(session, change.name))
        if change.within(READ):
            _read_anew(session, _number(session, change.name), config.table)
        return None
    new = sa.insert(tables.monitors).values(
        name=config.name, document=values, cursor={}, notices=[], created_at=now
    )
    return int(session.execute(new.returning(M.monitor_id)).scalar_one())


def _number(session: Session, name: str) -> int:
    return int(session.execute(sa.select(M.monitor_id).where(M.name == name)).scalar_one())


def _read_anew(session: Session, monitor_id: int, table: str) -> None:
    """While no row is stored, a change of how rows are read begins at the source's first row again.

    So that a wrong time zone or key, which put every row into quarantine, can be put right.
    """
    removal.stop(session, monitor_id, ["pull"])
    emptied = session.execute(
        sa.update(tables.monitors)
        .where(M.monitor_id == monitor_id, M.next_reading == 1)
        .values(cursor={}, fields=None)
        .returning(M.monitor_id)
    ).scalar()
    if emptied is not None:
        readings.drop(session, table)


def _channel(session: Session, change: Difference, document: Document, now: datetime) -> None:
    if change.kind == "remove":
        removal.remove_channel(session, change.name, now)
        return
    values = next(c for c in document.channels if c.name == change.name).model_dump(mode="json")
    statement = insert(session, tables.channels).values(name=change.name, document=values, deleted_at=None)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"document": values, "deleted_at": None}
        )
    )


def _queue(session: Session, name: str, now: datetime) -> None:
    title = name.replace("-", " ").capitalize()
    session.execute(
        insert(session, tables.queues).values(name=name, title=title, created_at=now).on_conflict_do_nothing()
    )


def lock(session: Session) -> None:
    """One apply after the other, until the commit (SQLite's writers are so anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
