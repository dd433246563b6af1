"""What people said about alerts: each change of state is one conditional UPDATE and one row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.erasure import CONTENT
from monitor.domain.errors import UnknownError
from monitor.domain.monitor import Monitor
from monitor.storage import tables
from monitor.storage.types import UtcDateTime
from monitor.storage.upsert import insert

A, R, C = tables.alerts.c, tables.reviews.c, tables.alert_changes.c


@dataclass(frozen=True)
class Standing:
    """How an alert stands, as far as a decision on it needs to know."""

    alert_id: int
    public_id: str
    monitor_id: int
    state: str
    revision: int
    owner: str | None
    snoozed_until: datetime | None
    why: str
    entity: str | None

    @property
    def erased(self) -> bool:
        return self.why == CONTENT


@dataclass(frozen=True)
class Review:
    """One verdict."""

    review_id: int
    alert_id: int
    verdict: str
    actor: str
    at: datetime
    undone_at: datetime | None


def standing(session: Session, alert_id: int) -> Standing:
    """
    Raises:
        UnknownError: there is no such alert.
    """
    return _standing(session, A.alert_id == alert_id, str(alert_id))


def standing_of(session: Session, public_id: str) -> Standing:
    """
    Raises:
        UnknownError: there is no such alert.
    """
    return _standing(session, A.public_id == public_id, public_id)


def _standing(session: Session, condition: sa.ColumnElement[bool], asked: str) -> Standing:
    columns = [A[f] for f in Standing.__dataclass_fields__]
    row = session.execute(sa.select(*columns).where(condition)).first()
    if row is None:
        raise UnknownError("alert", asked, ["those that monitor alerts list shows"])
    return Standing(*row)


def shift(
    session: Session, alert_id: int, states: list[str], revision: int | None = None, **values: Any
) -> bool:
    """Change an alert if it is still in one of ``states`` (and at ``revision``, where one is given)."""
    unchanged = [A.alert_id == alert_id, A.state.in_(states)]
    if revision is not None:
        unchanged.append(A.revision == revision)
    found = session.execute(
        sa.update(tables.alerts)
        .where(*unchanged)
        .values(revision=A.revision + 1, **values)
        .returning(A.alert_id)
    )
    return found.scalar() is not None


def own(session: Session, alert_id: int, owner: str | None, before: str | None) -> bool:
    """Give an alert to ``owner`` if it still belongs to ``before``."""
    same = A.owner.is_(None) if before is None else A.owner == before
    found = session.execute(
        sa.update(tables.alerts)
        .where(A.alert_id == alert_id, A.state != "closed", same)
        .values(owner=owner, revision=A.revision + 1)
        .returning(A.alert_id)
    )
    return found.scalar() is not None


def change(
    session: Session, alert_id: int, at: datetime, kind: str, actor: str, detail: dict[str, Any]
) -> int:
    new = sa.insert(tables.alert_changes).values(
        alert_id=alert_id, at=at, kind=kind, actor=actor, detail=detail
    )
    number: int = session.execute(new.returning(C.change_id)).scalar_one()
    return number


def last_change(session: Session, alert_id: int, kind: str) -> dict[str, Any]:
    """What the newest change of a kind says; empty where there was none."""
    newest = (
        sa.select(C.detail)
        .where(C.alert_id == alert_id, C.kind == kind)
        .order_by(C.at.desc(), C.change_id.desc())
    )
    return session.scalar(newest.limit(1)) or {}


def changed_by(session: Session, alert_id: int, kind: str, action_key: str) -> bool:
    """Whether this very press was taken before."""
    return bool(change_of(session, alert_id, kind, action_key))


def change_of(session: Session, alert_id: int, kind: str, action_key: str) -> dict[str, Any]:
    """What the change says that a press made; empty where it made none."""
    details = session.scalars(sa.select(C.detail).where(C.alert_id == alert_id, C.kind == kind))
    return next((d for d in details if d.get("action_key") == action_key), {})


def add(session: Session, values: dict[str, Any]) -> int:
    number: int = session.execute(
        sa.insert(tables.reviews).values(**values).returning(R.review_id)
    ).scalar_one()
    return number


def taken(session: Session, action_key: str) -> Review | None:
    return _review(session, R.action_key == action_key)


def get(session: Session, review_id: int) -> Review | None:
    return _review(session, R.review_id == review_id)


def latest(session: Session, actor: str) -> Review | None:
    """The last verdict of a person that still stands."""
    return _review(session, sa.and_(R.actor == actor, R.undone_at.is_(None)))


def standing_review(session: Session, alert_id: int) -> Review | None:
    """The verdict that closed an alert."""
    return _review(session, sa.and_(R.alert_id == alert_id, R.undone_at.is_(None)))


def _review(session: Session, condition: sa.ColumnElement[bool]) -> Review | None:
    columns = [R[f] for f in Review.__dataclass_fields__]
    row = session.execute(sa.select(*columns).where(condition).order_by(R.review_id.desc()).limit(1)).first()
    return Review(*row) if row else None


def take_back(session: Session, review_id: int, actor: str, at: datetime) -> bool:
    found = session.execute(
        sa.update(tables.reviews)
        .where(R.review_id == review_id, R.undone_at.is_(None))
        .values(undone_at=at, undone_by=actor)
        .returning(R.review_id)
    )
    return found.scalar() is not None


def label(session: Session, alert: Standing, review_id: int, value: int, at: datetime) -> int:
    """Every row of the alert becomes known as anomalous (1) or normal (0); returns how many."""
    keys = _keys(session, alert).subquery()
    rows = sa.select(
        sa.literal(alert.monitor_id), keys.c.source_key, sa.literal(value), sa.literal(f"review:{review_id}"),
        sa.literal(at, UtcDateTime()),
    ).where(keys.c.source_key.is_not(None))  # fmt: skip
    names = ["monitor_id", "source_key", "value", "origin", "known_at"]
    statement = insert(session, tables.labels).from_select(names, rows).on_conflict_do_nothing()
    return len(session.execute(statement.returning(tables.labels.c.label_id)).all())


def unlabel(session: Session, alert: Standing, review_id: int) -> None:
    known = tables.labels.c
    session.execute(
        sa.delete(tables.labels).where(
            known.monitor_id == alert.monitor_id,
            known.origin == f"review:{review_id}",
            known.source_key.in_(_keys(session, alert)),
        )
    )


def _keys(session: Session, alert: Standing) -> sa.Select[Any]:
    """source_key of each row in the alert."""
    m, o = tables.alert_members.c, tables.outliers.c
    document = session.scalar(
        sa.select(tables.monitors.c.document).where(tables.monitors.c.monitor_id == alert.monitor_id)
    )
    readings = sa.table(
        Monitor.model_validate(document).table,
        sa.column("reading_id", sa.BigInteger),
        sa.column("source_key", sa.Text),
    )
    return (
        sa.select(readings.c.source_key)
        .join_from(tables.alert_members, tables.outliers, o.outlier_id == m.outlier_id)
        .join(readings, readings.c.reading_id == o.reading_id)
        .where(m.alert_id == alert.alert_id)
        .distinct()
    )


def due_snoozes(session: Session, now: datetime) -> list[int]:
    """Alerts whose snooze is over."""
    return list(session.scalars(sa.select(A.alert_id).where(A.state == "snoozed", A.snoozed_until <= now)))
