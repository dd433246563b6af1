"""The configuration in the database: what is in force, and every document that was applied."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.document import Difference
from monitor.domain.monitor import Document
from monitor.storage import tables
from monitor.storage.upsert import insert

M, C, D = tables.monitors.c, tables.channels.c, tables.config_revisions.c


def current(session: Session) -> Document:
    """The document in force, whoever changed it last."""
    monitors = session.scalars(sa.select(M.document).where(M.deleted_at.is_(None)).order_by(M.name))
    channels = session.scalars(sa.select(C.document).where(C.deleted_at.is_(None)).order_by(C.name))
    return Document.model_validate({"monitors": list(monitors), "channels": list(channels)})


def last_applied(session: Session) -> Document | None:
    """The newest document that came from a file."""
    newest = sa.select(D.document).where(D.origin == "file").order_by(D.revision_id.desc()).limit(1)
    found = session.scalar(newest)
    return Document.model_validate(found) if found is not None else None


def revise(session: Session, document: Document, actor: str, origin: str, now: datetime) -> None:
    session.execute(
        sa.insert(tables.config_revisions).values(
            at=now, actor=actor, origin=origin, document=document.model_dump(mode="json")
        )
    )


def with_rows(session: Session) -> set[str]:
    """Names of monitors that have stored rows."""
    return set(session.scalars(sa.select(M.name).where(M.deleted_at.is_(None), M.next_reading > 1)))


def carry_out(session: Session, change: Difference, document: Document, now: datetime) -> int | None:
    """Write one difference; returns the monitor_id of a new monitor."""
    if change.what == "channel":
        _channel(session, change, document, now)
        return None
    if change.kind == "remove":
        freed = M.name + sa.literal("~deleted~") + sa.cast(M.monitor_id, sa.Text)
        session.execute(
            sa.update(tables.monitors).where(M.name == change.name).values(deleted_at=now, name=freed)
        )
        return None
    config = next(m for m in document.monitors if m.name == change.name)
    values = config.model_dump(mode="json")
    _queue(session, config.queue, now)
    if change.kind == "change":
        session.execute(sa.update(tables.monitors).where(M.name == change.name).values(document=values))
        return None
    new = sa.insert(tables.monitors).values(
        name=config.name, document=values, cursor={}, notices=[], created_at=now
    )
    return int(session.execute(new.returning(M.monitor_id)).scalar_one())


def _channel(session: Session, change: Difference, document: Document, now: datetime) -> None:
    if change.kind == "remove":
        session.execute(sa.update(tables.channels).where(C.name == change.name).values(deleted_at=now))
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
