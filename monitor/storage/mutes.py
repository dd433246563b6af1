"""Mutes (``suppressions``) as people set them: whose alerts nobody is shown, why, until when, and how many."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain import writing
from monitor.storage import tables

A, M, S = tables.alerts.c, tables.monitors.c, tables.suppressions.c
LABEL = "mute " + sa.cast(S.suppression_id, sa.Text) + ": " + S.reason  # what its alerts are suppressed by


@dataclass(frozen=True)
class Standing:
    """One mute: of an entity, or (None) of the whole monitor."""

    suppression_id: int
    monitor_id: int
    entity: str | None
    reason: str
    actor: str
    starts_at: datetime
    ends_at: datetime

    def said(self, zone: str, now: datetime) -> str:
        return f"muted until {writing.moment(self.ends_at, zone, now)} by {self.actor}: {self.reason}"


COLUMNS = [S[f] for f in Standing.__dataclass_fields__]


def add(session: Session, **values: Any) -> int:
    new = sa.insert(tables.suppressions).values(**values).returning(S.suppression_id)
    return int(session.execute(new).scalar_one())


def get(session: Session, suppression_id: int) -> Standing | None:
    row = session.execute(sa.select(*COLUMNS).where(S.suppression_id == suppression_id)).first()
    return Standing(*row) if row else None


def end(session: Session, suppression_id: int, at: datetime) -> bool:
    """End a mute before its time; False where it had ended already. What it covered so far stays suppressed."""
    ended = session.execute(
        sa.update(tables.suppressions)
        .where(S.suppression_id == suppression_id, S.ends_at > at)
        .values(ends_at=at)
        .returning(S.suppression_id)
    )
    return ended.scalar() is not None


def over(session: Session, monitor_id: int, entity: str | None, now: datetime) -> list[Standing]:
    """The mutes in force that cover an entity."""
    mine = sa.or_(S.entity.is_(None), S.entity == entity)
    rows = session.execute(sa.select(*COLUMNS).where(S.monitor_id == monitor_id, mine, *_standing(now)))
    return [Standing(*r) for r in rows]


def whole(session: Session, now: datetime) -> dict[int, Standing]:
    """The monitors of which nothing is shown now, each with the mute that lasts longest."""
    found = sa.select(*COLUMNS).where(S.entity.is_(None), *_standing(now)).order_by(S.ends_at)
    return {r.monitor_id: Standing(*r) for r in session.execute(found)}


def listed(
    session: Session, now: datetime, monitor_id: int | None = None, *, ended: bool = False
) -> list[dict[str, Any]]:
    """Mutes in force with monitor and number of suppressed alerts, newest first; ``ended``: those that are over too."""
    found = (
        sa.select(*COLUMNS, M.name.label("monitor"), _suppressed().label("suppressed"))
        .join_from(tables.suppressions, tables.monitors)
        .where(M.deleted_at.is_(None), *([] if monitor_id is None else [S.monitor_id == monitor_id]))
        .order_by(S.suppression_id.desc())
    )
    return [dict(r._mapping) for r in session.execute(found if ended else found.where(*_standing(now)))]


def _standing(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return S.starts_at <= now, S.ends_at > now


def _suppressed() -> sa.ColumnElement[int]:
    """Alerts of a mute: those still suppressed, and those on which a verdict was given since it began."""

    def number(*where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        counted = sa.select(sa.func.count()).where(
            A.monitor_id == S.monitor_id, A.suppressed_by == LABEL, *where
        )
        return counted.correlate(tables.suppressions).scalar_subquery()

    return number(A.state == "suppressed") + number(A.closed_at >= S.starts_at)
