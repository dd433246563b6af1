"""What the inbox shows: one page of a queue, and its figures."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import HISTORY
from monitor.storage import tables
from monitor.storage.types import UtcDateTime

A, M = tables.alerts.c, tables.monitors.c


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    alert_id: int
    public_id: str
    monitor: str
    document: dict[str, Any]
    entity: str | None
    state: str
    severity: int
    rank: float
    owner: str | None
    first_event_at: datetime
    members: int
    value: float | None
    brief: str
    provisional: bool
    revision: int
    verdict: str | None = None
    closed_at: datetime | None = None
    suppressed_by: str | None = None

    @property
    def historic(self) -> bool:
        return self.suppressed_by == HISTORY


@dataclass(frozen=True)
class Figures:
    """A queue in numbers; ``value`` is at risk in open alerts, by currency."""

    open: int
    snoozed: int
    value: dict[str, float]
    closed_today: int


@dataclass(frozen=True)
class Asked:
    """What a person wants to see of the inbox."""

    queue: str | None = None  # None: all
    view: str = "free"  # free: mine and nobody's · all · snoozed · closed · suppressed
    words: str = ""
    actor: str = ""
    since: datetime | None = None  # of closed ones: when the first of them was closed

    @property
    def states(self) -> list[str]:
        """In which an alert is shown, and stays on the screen."""
        return [self.view] if self.view in ("snoozed", "closed", "suppressed") else ["open"]


COLUMNS = [M.name.label("monitor") if f == "monitor" else M.document if f == "document" else A[f]
           for f in Row.__dataclass_fields__]  # fmt: skip


def page(session: Session, asked: Asked, limit: int) -> list[Row]:
    """The first ``limit`` alerts of a queue: the most urgent first, of closed ones those that were closed last."""
    closed = asked.view == "closed"
    order = ((A.closed_at if closed else A.rank).desc(), A.alert_id.desc())
    wanted = (
        A.closed_at >= asked.since if closed and asked.since
        else A.state.in_(asked.states)
    )  # fmt: skip
    first = sa.select(A.alert_id).where(wanted).order_by(*order).limit(limit)
    if asked.queue is not None:
        first = first.where(A.queue == asked.queue)
    if asked.view == "free":
        first = first.where(sa.or_(A.owner.is_(None), A.owner == asked.actor))
    if asked.words:
        first = first.join_from(tables.alerts, tables.monitors)
    for word in asked.words.split()[:5]:
        texts = (A.entity, M.name, A.brief, A.public_id)
        first = first.where(sa.or_(*[t.icontains(word, autoescape=True) for t in texts]))
    # the ids alone are ranked, so that the database does not carry whole documents through its sort
    query = sa.select(*COLUMNS).join_from(tables.alerts, tables.monitors).where(A.alert_id.in_(first))
    return [Row(*r) for r in session.execute(query.order_by(*order))]


def these(session: Session, alert_ids: list[int], states: list[str]) -> list[Row]:
    """Known alerts as they are now, in the order asked for; those in other states are left out."""
    query = (
        sa.select(*COLUMNS)
        .join_from(tables.alerts, tables.monitors)
        .where(A.alert_id.in_(alert_ids), A.state.in_(states))
    )
    found = {r.alert_id: Row(*r) for r in session.execute(query)}
    return [found[alert_id] for alert_id in alert_ids if alert_id in found]


def queues(session: Session) -> list[tuple[str, str, int]]:
    """(name, title, open alerts) of each queue."""
    q = tables.queues.c
    opened = (
        sa.select(sa.func.count())
        .where(A.state == "open", A.queue == q.name)
        .correlate(tables.queues)
        .scalar_subquery()
    )
    return [(r[0], r[1], r[2]) for r in session.execute(sa.select(q.name, q.title, opened).order_by(q.name))]


def figures(session: Session, queue: str | None, midnight: datetime) -> Figures:
    """
    midnight: when today began where the reader is.
    """
    mine = [A.queue == queue] if queue is not None else []
    by_monitor = (
        sa.select(A.monitor_id, sa.func.count().label("open"), sa.func.sum(A.value).label("value"))
        .where(A.state == "open", *mine)
        .group_by(A.monitor_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(by_monitor.c.open, by_monitor.c.value, M.document).join(
            by_monitor, by_monitor.c.monitor_id == M.monitor_id
        )
    ).all()
    value: dict[str, float] = {}
    for row in rows:
        if row.value is not None:
            currency = row.document.get("currency") or ""
            value[currency] = value.get(currency, 0.0) + row.value
    snoozed = sa.select(sa.func.count()).where(A.state == "snoozed", *mine)
    closed = sa.select(sa.func.count()).where(A.closed_at >= midnight, *mine)
    return Figures(
        sum(row.open for row in rows), session.scalar(snoozed) or 0, value, session.scalar(closed) or 0
    )


def severities(session: Session) -> dict[int, int]:
    """Severity -> number of open alerts."""
    counts = sa.select(A.severity, sa.func.count()).where(A.state == "open").group_by(A.severity)
    return {row[0]: row[1] for row in session.execute(counts)}


def zone(session: Session) -> str:
    """Where most of the monitors are: in this zone a day of the inbox begins."""
    documents = session.scalars(sa.select(M.document).where(M.deleted_at.is_(None)))
    zones = Counter((d.get("schedule") or {}).get("timezone") or "UTC" for d in documents)
    return zones.most_common(1)[0][0] if zones else "UTC"


def quiet_since(session: Session) -> datetime | None:
    """When the last alert ended, of those that were closed last."""
    closed = sa.select(A.last_event_at).where(A.closed_at.is_not(None)).order_by(A.closed_at.desc()).limit(50)
    ended = sa.func.max(closed.subquery().c.last_event_at, type_=UtcDateTime())
    at: datetime | None = session.scalar(sa.select(ended))
    return at
