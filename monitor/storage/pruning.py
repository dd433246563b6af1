"""Rows go, in batches small enough that nobody waits for them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import readings, tables
from monitor.storage.monitors import Watched
from monitor.storage.types import UtcDateTime
from monitor.storage.upsert import any_of

BATCH = 5_000  # rows a transaction
ALERTS = 50  # which bring their rows along


def batch(session: Session, watched: Watched | None, name: str, query: sa.Select[Any]) -> int:
    """Delete the next of what ``query`` says is due in table ``name``; returns how many, 0 when none is left."""
    # alerts are locked before anything that hangs on them, as a review does
    locked = query.limit(ALERTS).with_for_update(of=tables.alerts)
    chosen = locked if name == "alerts" else query.limit(BATCH)
    rows = session.execute(chosen).all()
    if not rows:
        return 0
    if name == "readings":
        assert watched is not None
        _readings(session, watched, [r[0] for r in rows])
    elif name == "alerts":
        _alerts(session, [r[0] for r in rows])
    elif name == "scores":
        s = tables.scores.c
        for start in range(0, len(rows), 1000):
            pairs = [tuple(r) for r in rows[start : start + 1000]]
            session.execute(sa.delete(tables.scores).where(sa.tuple_(s.reading_id, s.version_id).in_(pairs)))
    else:
        table = tables.metadata.tables[name]
        _where(session, table, next(iter(table.primary_key)), [r[0] for r in rows])
    return len(rows)


def _readings(session: Session, watched: Watched, keys: list[str]) -> None:
    """Every revision with its scores and what is known of it; what was flagged stays with its alert."""
    assert watched.schema is not None
    table = readings.table(watched.config.table, watched.schema)
    mine = any_of(session, table.c.source_key, keys)
    # numbers rather than a subquery: a planner without statistics would walk through all scores for it
    ids, at = zip(
        *session.execute(sa.select(table.c.reading_id, table.c.event_at).where(mine)).all(), strict=True
    )
    known, m = tables.labels.c, tables.monitors.c
    session.execute(
        sa.delete(tables.labels).where(
            known.monitor_id == watched.monitor_id, any_of(session, known.source_key, keys)
        )
    )
    _where(session, table, table.c.reading_id, list(ids))
    newest = sa.bindparam(None, max(at), UtcDateTime())
    later = sa.case((m.pruned_through > newest, m.pruned_through), else_=newest)
    session.execute(
        sa.update(tables.monitors).where(m.monitor_id == watched.monitor_id).values(pruned_through=later)
    )
    # last: who scored these rows meanwhile holds the monitor's row until its scores are there
    _where(session, tables.scores, tables.scores.c.reading_id, list(ids))


def _alerts(session: Session, ids: list[int]) -> None:
    changes, members = tables.alert_changes, tables.alert_members
    mine = sa.select(changes.c.change_id).where(changes.c.alert_id.in_(ids))
    session.execute(sa.delete(tables.notifications).where(tables.notifications.c.change_id.in_(mine)))
    outliers = list(session.scalars(sa.select(members.c.outlier_id).where(members.c.alert_id.in_(ids))))
    for table in (changes, tables.reviews, members):
        session.execute(sa.delete(table).where(table.c.alert_id.in_(ids)))
    _where(session, tables.outliers, tables.outliers.c.outlier_id, outliers)
    session.execute(sa.delete(tables.alerts).where(tables.alerts.c.alert_id.in_(ids)))


def _where(session: Session, table: sa.Table, column: sa.Column[Any], values: list[int]) -> None:
    for start in range(0, len(values), 1000):
        session.execute(sa.delete(table).where(column.in_(values[start : start + 1000])))
