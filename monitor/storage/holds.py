"""Holds: rows of an entity or an alert that neither retention nor an erasure may take, and why, until when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables

H = tables.holds.c


@dataclass(frozen=True)
class Hold:
    """One hold: on an entity (of one monitor, or of all) or on an alert."""

    hold_id: int
    monitor_id: int | None
    entity: str | None
    alert: str | None
    reason: str
    actor: str
    starts_at: datetime
    ends_at: datetime
    released_at: datetime | None
    released_by: str | None


COLUMNS = [H[f] for f in Hold.__dataclass_fields__]


def add(session: Session, **values: Any) -> int:
    return int(session.execute(sa.insert(tables.holds).values(**values).returning(H.hold_id)).scalar_one())


def get(session: Session, hold_id: int) -> Hold | None:
    row = session.execute(sa.select(*COLUMNS).where(H.hold_id == hold_id)).first()
    return Hold(*row) if row else None


def release(session: Session, hold_id: int, actor: str, now: datetime) -> bool:
    """End a hold; False where it had ended already."""
    ended = session.execute(
        sa.update(tables.holds)
        .where(H.hold_id == hold_id, *_standing(now))
        .values(released_at=now, released_by=actor)
        .returning(H.hold_id)
    )
    return ended.scalar() is not None


def listed(session: Session, now: datetime, *, ended: bool = False) -> list[dict[str, Any]]:
    """Standing holds with their monitor's name, newest first; with ``ended`` those that are over too."""
    found = sa.select(*COLUMNS, tables.monitors.c.name.label("monitor")).outerjoin_from(
        tables.holds, tables.monitors, tables.monitors.c.monitor_id == H.monitor_id
    )
    if not ended:
        found = found.where(*_standing(now))
    return [dict(r._mapping) for r in session.execute(found.order_by(H.hold_id.desc()))]


def entities(session: Session, monitor_id: int, now: datetime) -> list[str]:
    """Entities of a monitor that are held."""
    mine = sa.or_(H.monitor_id.is_(None), H.monitor_id == monitor_id)
    return list(
        session.scalars(sa.select(H.entity).where(H.entity.is_not(None), mine, *_standing(now)).distinct())
    )


def alerts(session: Session, now: datetime) -> list[str]:
    """Public ids of alerts that are held."""
    return list(session.scalars(sa.select(H.alert).where(H.alert.is_not(None), *_standing(now)).distinct()))


def over(session: Session, monitor_id: int, entity: str, now: datetime) -> list[Hold]:
    """What stands against taking the entity's rows: holds on it, and on its alerts."""
    a = tables.alerts.c
    theirs = sa.select(a.public_id).where(a.monitor_id == monitor_id, a.entity == entity)
    on_entity = sa.and_(H.entity == entity, sa.or_(H.monitor_id.is_(None), H.monitor_id == monitor_id))
    rows = session.execute(sa.select(*COLUMNS).where(sa.or_(on_entity, H.alert.in_(theirs)), *_standing(now)))
    return [Hold(*r) for r in rows]


def _standing(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return H.released_at.is_(None), H.starts_at <= now, H.ends_at > now
