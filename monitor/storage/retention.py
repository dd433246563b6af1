"""Which rows are older than a monitor keeps them, less what is held or under an open alert."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import LIVE
from monitor.domain.run import ENDED, scope_of
from monitor.storage import holds, monitors, readings, tables
from monitor.storage.monitors import Watched
from monitor.storage.types import UtcDateTime

A, C, M, N, O, Q, R, S, V = (  # noqa: E741  the tables whose rows end
    tables.alerts.c, tables.alert_changes.c, tables.alert_members.c, tables.notifications.c, tables.outliers.c,
    tables.quarantine.c, tables.runs.c, tables.scores.c, tables.reviews.c,
)  # fmt: skip

NAMES = ("readings", "scores", "alerts", "quarantine", "runs", "notifications")


def due(session: Session, watched: Watched, name: str, now: datetime) -> sa.Select[Any] | None:
    """What the next prune takes of a table, oldest first: source_key for readings, else the table's own key."""
    kept: timedelta | None = getattr(watched.config.retention, name)
    if kept is None:
        return None
    held = _Held(session, watched.monitor_id, now)
    if name in ("readings", "scores"):
        if watched.schema is None:
            return None
        table = readings.table(watched.config.table, watched.schema)
        if name == "scores":
            return _scores(session, table, held, now - kept)
        return _old(table, held, now - kept).order_by(table.c.event_at)
    others = {"alerts": _alerts, "quarantine": _quarantine, "runs": _runs, "notifications": _notifications}
    return others[name](session, held, now - kept)


def counts(session: Session, watched: Watched, now: datetime) -> dict[str, int]:
    """How many rows of each table that is, where there are any."""
    found = {name: due(session, watched, name, now) for name in NAMES}
    numbers = {name: _count(session, query) for name, query in found.items() if query is not None}
    return {name: number for name, number in numbers.items() if number}


def _count(session: Session, query: sa.Select[Any]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0


class _Held:
    """Entities and alerts of one monitor that somebody holds, and alerts that nobody has decided on."""

    def __init__(self, session: Session, monitor_id: int, now: datetime) -> None:
        self.monitor_id = monitor_id
        self.entities = holds.entities(session, monitor_id, now)
        self.ids = holds.alerts(session, now)

    def alert(self) -> sa.ColumnElement[bool]:
        return sa.or_(A.state.in_(LIVE), A.public_id.in_(self.ids), self.entity(A.entity))

    def entity(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return sa.and_(column.is_not(None), column.in_(self.entities))

    def readings(self) -> sa.Select[Any]:
        """reading_id of each row in such an alert."""
        return (
            sa.select(O.reading_id)
            .join_from(tables.outliers, tables.alert_members, M.outlier_id == O.outlier_id)
            .join(tables.alerts, A.alert_id == M.alert_id)
            .where(A.monitor_id == self.monitor_id, self.alert())
        )


def _old(table: readings.Table, held: _Held, before: datetime) -> sa.Select[Any]:
    """A row goes with all its revisions, at the age of the present one: it never begins anew beside an old revision."""
    r, other = table.c, table.alias().c
    keys = sa.select(other.source_key).where(other.reading_id.in_(held.readings()))
    return sa.select(r.source_key).where(
        r.superseded_at.is_(None), r.event_at < _at(before), ~held.entity(r.entity), r.source_key.not_in(keys)
    )


def _scores(session: Session, table: readings.Table, held: _Held, before: datetime) -> sa.Select[Any]:
    first, last = monitors.ids(held.monitor_id)
    mine = sa.select(S.reading_id, S.version_id).where(
        S.reading_id.between(first, last), S.scored_at < before
    )
    kept = sa.select(table.c.reading_id).where(held.entity(table.c.entity))
    return mine.where(S.reading_id.not_in(held.readings()), S.reading_id.not_in(kept)).order_by(S.reading_id)


def _alerts(session: Session, held: _Held, before: datetime) -> sa.Select[Any]:
    """Closed and suppressed ones; the owners of the newest numbers stay, so that no number is given twice."""
    newest = [
        sa.select(column).order_by(number.desc()).limit(1).scalar_subquery()
        for column, number in ((A.alert_id, A.alert_id), (C.alert_id, C.change_id), (V.alert_id, V.review_id),
                               (M.alert_id, M.outlier_id))
    ]  # fmt: skip
    ended = sa.or_(
        sa.and_(A.state == "closed", A.closed_at < before),
        sa.and_(A.state == "suppressed", A.last_event_at < before),
    )
    protected = [session.scalar(sa.select(n)) for n in newest]
    mine = sa.select(A.alert_id).where(A.monitor_id == held.monitor_id, ended, ~held.alert())
    return mine.where(A.alert_id.not_in([p for p in protected if p is not None])).order_by(A.alert_id)


def _quarantine(session: Session, held: _Held, before: datetime) -> sa.Select[Any]:
    named = [Q.raw.contains(name, autoescape=True) for name in held.entities]
    mine = sa.select(Q.quarantine_id).where(
        Q.monitor_id == held.monitor_id, Q.at < before, _not_last(Q.quarantine_id)
    )
    return mine.where(~sa.or_(*named) if named else sa.true()).order_by(Q.quarantine_id)


def _runs(session: Session, held: _Held, before: datetime) -> sa.Select[Any]:
    mine = sa.select(R.run_id).where(
        R.scope == scope_of(held.monitor_id), R.state.in_(ENDED), R.finished_at < before
    )
    return mine.where(_not_last(R.run_id)).order_by(R.run_id)


def _notifications(session: Session, held: _Held, before: datetime) -> sa.Select[Any]:
    theirs = (
        sa.select(C.change_id)
        .join_from(tables.alert_changes, tables.alerts, A.alert_id == C.alert_id)
        .where(A.monitor_id == held.monitor_id, ~held.alert())
    )
    ended = sa.func.coalesce(N.sent_at, N.due_at, type_=UtcDateTime()) < before
    mine = sa.select(N.notification_id).where(N.state != "pending", ended, _not_last(N.notification_id))
    return mine.where(N.change_id.in_(theirs)).order_by(N.notification_id)


def installation_runs(session: Session, before: datetime) -> sa.Select[Any]:
    """Ended runs of jobs that belong to no monitor."""
    mine = sa.select(R.run_id).where(R.monitor_id.is_(None), R.state.in_(ENDED), R.finished_at < before)
    return mine.where(_not_last(R.run_id)).order_by(R.run_id)


def _not_last(number: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Not the newest of its table: SQLite would give its number again, and numbers are keys elsewhere."""
    return number < sa.select(sa.func.max(number)).scalar_subquery()


def _at(moment: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam(None, moment, UtcDateTime())
