"""What speaks for and against one alert: its strongest row, its rows, the series around it, its entity's past."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import UnknownError
from monitor.storage import tables
from monitor.storage.monitors import CALLED
from monitor.storage.types import UtcDateTime

A, M, O = tables.alerts.c, tables.monitors.c, tables.outliers.c  # noqa: E741  the three tables this page joins
BEFORE, AFTER = 240, 60  # readings shown around the flagged span
BUCKETS = 260  # points of a series; each keeps its smallest and its largest value


@dataclass(frozen=True)
class Point:
    """A stretch of a series: when it starts, its smallest and its largest value."""

    at: datetime
    low: float
    high: float


@dataclass(frozen=True)
class Past:
    """An earlier alert of the same entity."""

    public_id: str
    opened_at: datetime
    first_event_at: datetime
    severity: int
    state: str
    verdict: str | None
    brief: str


def alert(session: Session, public_id: str) -> sa.Row[Any]:
    """The whole alert with its monitor's name, document and fields.

    Raises:
        UnknownError: there is no such alert.
    """
    row = session.execute(
        sa.select(tables.alerts, CALLED.label("monitor"), M.document, M.fields.label("pinned"))
        .join_from(tables.alerts, tables.monitors)
        .where(A.public_id == public_id)
    ).first()
    if row is None:
        raise UnknownError("alert", public_id, ["those of the queue"])
    return row


def strongest(session: Session, alert_id: int) -> Any:
    """The oddest outlier of an alert with number and facts of the version that scored it; None without rows."""
    m, v = tables.alert_members.c, tables.versions.c
    return session.execute(
        sa.select(
            O.reading_id, O.event_at, O.p_value, O.reason, O.explanation, O.provisional, v.number, v.facts
        )
        .join_from(tables.alert_members, tables.outliers, O.outlier_id == m.outlier_id)
        .outerjoin(tables.versions, v.version_id == O.version_id)
        .where(m.alert_id == alert_id)
        .order_by(O.p_value, O.outlier_id)
        .limit(1)
    ).first()


def members(session: Session, alert_id: int, limit: int) -> list[sa.Row[Any]]:
    """The first rows of an alert in time."""
    m = tables.alert_members.c
    return list(
        session.execute(
            sa.select(O.reading_id, O.event_at, O.p_value, O.value)
            .join_from(tables.alert_members, tables.outliers, O.outlier_id == m.outlier_id)
            .where(m.alert_id == alert_id)
            .order_by(O.event_at, O.reading_id)
            .limit(limit)
        )
    )


def table_of(name: str, columns: dict[str, Any]) -> sa.TableClause:
    """A light description of ``readings_<monitor>`` with its own columns and ``columns``: field -> type."""
    return sa.table(
        name,
        sa.column("reading_id", sa.BigInteger),
        sa.column("event_at", UtcDateTime),
        sa.column("superseded_at", UtcDateTime),
        sa.column("entity", sa.Text),
        *[sa.column(field, kind) for field, kind in columns.items()],
    )


def cells(session: Session, table: sa.TableClause, fields: list[str], ids: list[int]) -> dict[int, list[Any]]:
    """reading_id -> the values of ``fields``."""
    rows = session.execute(
        sa.select(table.c.reading_id, *[table.c[f] for f in fields]).where(table.c.reading_id.in_(ids))
    )
    return {r[0]: list(r[1:]) for r in rows}


def window(
    session: Session, table: sa.TableClause, entity: str | None, first: datetime, last: datetime
) -> tuple[datetime, datetime]:
    """From the 240th reading before the flagged span to the 60th after it; each end is one look into an index."""
    c = table.c
    same = c.entity.is_(None) if entity is None else c.entity == entity
    earlier = sa.select(c.event_at).where(same, c.event_at < first).order_by(c.event_at.desc()).limit(BEFORE)
    later = sa.select(c.event_at).where(same, c.event_at > last).order_by(c.event_at).limit(AFTER)
    start = session.scalar(sa.select(sa.func.min(earlier.subquery().c.event_at)))
    end = session.scalar(sa.select(sa.func.max(later.subquery().c.event_at)))
    return start or first, end or last


def series(
    session: Session, table: sa.TableClause, field: str, entity: str | None, start: datetime, end: datetime
) -> list[Point]:
    """A field over time in at most 260 stretches, thinned by the database; no extreme is lost."""
    c = table.c
    same = c.entity.is_(None) if entity is None else c.entity == entity
    value = c[field]
    rows = (
        sa.select(c.event_at, value.label("value"), sa.func.ntile(BUCKETS).over(order_by=c.event_at).label("bucket"))
        .where(same, c.event_at.between(start, end), c.superseded_at.is_(None), value.is_not(None))
        .subquery()
    )  # fmt: skip
    found = session.execute(
        sa.select(sa.func.min(rows.c.event_at), sa.func.min(rows.c.value), sa.func.max(rows.c.value))
        .group_by(rows.c.bucket)
        .order_by(rows.c.bucket)
    )  # fmt: skip
    return [Point(at, float(low), float(high)) for at, low, high in found]


def recent(
    session: Session, table: sa.TableClause, field: str, entity: str | None, end: datetime, limit: int
) -> list[tuple[int, datetime, float]]:
    """(reading_id, event_at, value) of the entity's last rows up to ``end``, oldest first."""
    c = table.c
    same = c.entity.is_(None) if entity is None else c.entity == entity
    value = c[field]
    rows = session.execute(
        sa.select(c.reading_id, c.event_at, value)
        .where(same, c.event_at <= end, c.superseded_at.is_(None), value.is_not(None))
        .order_by(c.event_at.desc())
        .limit(limit)
    ).all()
    return [(r[0], r[1], float(r[2])) for r in reversed(rows)]


def past(session: Session, row: Any, since: datetime, limit: int) -> list[Past]:
    """Other alerts of the same entity that opened since then, newest first; ``row`` is the alert."""
    same = A.entity.is_(None) if row.entity is None else A.entity == row.entity
    columns = [A[f] for f in Past.__dataclass_fields__]
    found = session.execute(
        sa.select(*columns)
        .where(A.monitor_id == row.monitor_id, same, A.opened_at >= since, A.alert_id != row.alert_id,
               A.state != "waiting")
        .order_by(A.opened_at.desc())
        .limit(limit)
    )  # fmt: skip
    return [Past(*r) for r in found]


def changes(session: Session, alert_id: int, limit: int) -> list[sa.Row[Any]]:
    """What happened to an alert, newest first; of its growing only the last step."""
    c = tables.alert_changes.c
    said = sa.select(c.at, c.kind, c.actor, c.detail, c.change_id).where(c.alert_id == alert_id)
    newest = said.order_by(c.at.desc(), c.change_id.desc())
    rows = [
        *session.execute(newest.where(c.kind == "grew").limit(1)),
        *session.execute(newest.where(c.kind != "grew").limit(limit)),
    ]
    return sorted(rows, key=lambda r: (r.at, r.change_id), reverse=True)
