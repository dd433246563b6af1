"""Outliers and alerts as the jobs write them (what pages read is in ``inbox``)."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import GROWING, LIVE, SEVERITIES, Alert, Change, Mute, Outlier
from monitor.domain.errors import UnknownError
from monitor.domain.version import compared
from monitor.storage import tables
from monitor.storage.monitors import CALLED
from monitor.storage.mutes import LABEL
from monitor.storage.types import BigInt, UtcDateTime
from monitor.storage.upsert import listed_rows

A = tables.alerts.c
CLEARLY = 3  # severity: high


def growing(session: Session, monitor_id: int, since: datetime) -> list[Alert]:
    """Alerts that an outlier at ``since`` or later may belong to."""
    rows = session.execute(
        sa.select(A.alert_id, A.entity, A.state, A.severity, A.first_event_at, A.last_event_at, A.members,
                  A.p_value, A.value, A.why, A.brief, A.fields, A.provisional, A.suppressed_by)
        .where(A.monitor_id == monitor_id, A.state.in_(GROWING), A.last_event_at >= since)
        .order_by(A.last_event_at.desc())
        .with_for_update()  # a verdict that comes now waits for the outliers, or they open a new alert
    )  # fmt: skip
    return [
        Alert(r.alert_id, r.entity, r.state, r.severity, r.first_event_at, r.last_event_at, r.members, r.p_value,
              r.value, r.why, r.brief, tuple(r.fields), r.provisional, r.state != "waiting", r.suppressed_by)
        for r in rows
    ]  # fmt: skip


def ends(session: Session, monitor_id: int, since: datetime) -> dict[str | None, datetime]:
    """When each entity's alerts ended that went on at ``since`` or later."""
    rows = session.execute(
        sa.select(A.entity, sa.func.max(A.last_event_at).label("at"))
        .where(A.monitor_id == monitor_id, A.last_event_at >= since)
        .group_by(A.entity)
    )
    return {r.entity: r.at for r in rows}


def mutes(session: Session, monitor_id: int, since: datetime) -> list[Mute]:
    """Those that cover something at ``since`` or later, oldest first; an alert says by which it is suppressed."""
    s = tables.suppressions.c
    rows = session.execute(
        sa.select(s.entity, s.starts_at, s.ends_at, LABEL)
        .where(s.monitor_id == monitor_id, s.ends_at > since)
        .order_by(s.suppression_id)
    )
    return [Mute(*r) for r in rows]


def store(
    session: Session,
    monitor_id: int,
    version_id: int,
    queue: str,
    changes: list[Change],
    explanations: dict[int, list[dict[str, Any]]],
    details: dict[int, tuple[float, str]],
    now: datetime,
) -> list[tuple[int, Change]]:
    """Write outliers, alerts, members and changes; returns (change_id, change) of what people may be told.

    explanations: reading_id -> list of fields; details: reading_id -> (score, the policy that flagged it).
    """
    told = []
    for change in changes:
        alert_id = _alert(session, monitor_id, queue, change.alert, now)
        for outlier in change.new:
            _member(session, monitor_id, version_id, alert_id, outlier, explanations, details)
        if change.kind is not None:
            told.append((_change(session, alert_id, change, now), change))
    return told


def _alert(session: Session, monitor_id: int, queue: str, alert: Alert, now: datetime) -> int:
    values: dict[str, Any] = {
        name: getattr(alert, name)
        for name in ("entity", "state", "severity", "rank", "first_event_at", "last_event_at", "members", "p_value",
                     "value", "why", "brief", "provisional", "suppressed_by")
    } | {"fields": list(alert.fields)}  # fmt: skip
    if alert.alert_id is not None:
        # the state is changed only where the alert still waits: a person may have closed or snoozed it meanwhile
        state = sa.case((A.state == "waiting", alert.state), else_=A.state)
        session.execute(
            sa.update(tables.alerts)
            .where(A.alert_id == alert.alert_id)
            .values(**(values | {"state": state, "revision": A.revision + 1}))
        )
        return alert.alert_id
    new = sa.insert(tables.alerts).values(
        monitor_id=monitor_id, queue=queue, public_id=_public_id(), opened_at=now, revision=1, **values
    )
    return int(session.execute(new.returning(A.alert_id)).scalar_one())


def _member(
    session: Session,
    monitor_id: int,
    version_id: int,
    alert_id: int,
    outlier: Outlier,
    explanations: dict[int, list[dict[str, Any]]],
    details: dict[int, tuple[float, str]],
) -> None:
    score, reason = details[outlier.reading_id]
    new = sa.insert(tables.outliers).values(
        reading_id=outlier.reading_id,
        version_id=version_id,
        monitor_id=monitor_id,
        entity=outlier.entity,
        event_at=outlier.event_at,
        score=score,
        p_value=outlier.p_value,
        value=outlier.value,
        reason=reason,
        provisional=outlier.provisional,
        explanation=explanations[outlier.reading_id],
    )
    outlier_id = session.execute(new.returning(tables.outliers.c.outlier_id)).scalar_one()
    session.execute(sa.insert(tables.alert_members).values(outlier_id=outlier_id, alert_id=alert_id))


def _change(session: Session, alert_id: int, change: Change, now: datetime) -> int:
    alert = change.alert
    detail = {
        "members": alert.members,
        "severity": alert.severity,
        "p_value": alert.p_value,
        "new": len(change.new),
    }
    new = sa.insert(tables.alert_changes).values(
        alert_id=alert_id, at=now, kind=change.kind, actor="monitor", detail=detail
    )
    return int(session.execute(new.returning(tables.alert_changes.c.change_id)).scalar_one())


def flagged(session: Session, reading_ids: list[int]) -> set[int]:
    """Those of the readings that were flagged by any version."""
    o, asked = tables.outliers.c, listed_rows(session, {"reading_id": BigInt}, ((n,) for n in reading_ids))
    return set(session.scalars(sa.select(o.reading_id).join(asked, asked.c.reading_id == o.reading_id)))


def unlearnable(session: Session, monitor_id: int, now: datetime) -> dict[int, str]:
    """reading_id -> reason of each row in an alert that is not reviewed yet: not learnt until somebody looked.

    Of what an earlier version learnt from, or what is history, only the clearly odd: the rest is what chance brings.
    """
    o, m = tables.outliers.c, tables.alert_members.c
    rows = session.execute(
        sa.select(o.reading_id, A.public_id)
        .join_from(tables.outliers, tables.alert_members, m.outlier_id == o.outlier_id)
        .join(tables.alerts, A.alert_id == m.alert_id)
        .where(o.monitor_id == monitor_id, A.opened_at > now - timedelta(days=90),
               sa.or_(A.state.in_(LIVE) & ~A.provisional,
                      A.state.in_([*LIVE, "suppressed"]) & (A.severity >= CLEARLY)))
    )  # fmt: skip
    return {reading_id: f"in alert {public_id}, not reviewed yet" for reading_id, public_id in rows}


def _public_id() -> str:
    """Seven letters and digits that are easy to read out, from 35 random bits."""
    return base64.b32encode(secrets.token_bytes(5)).decode().lower()[:7]


def listed(session: Session, state: str, queue: str | None, limit: int) -> list[dict[str, Any]]:
    """Alerts of a state as plain values, the most urgent first, of closed ones those that were closed last.

    Those of a removed monitor say so in its name.
    """
    m, r = tables.monitors.c, tables.reviews.c
    closed_by = (
        sa.select(r.actor)
        .where(r.alert_id == A.alert_id, r.undone_at.is_(None))
        .order_by(r.review_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = (A.public_id, CALLED.label("monitor"), A.queue, A.entity, A.state, A.severity, A.owner, A.opened_at,
              A.first_event_at, A.last_event_at, A.members, A.p_value, A.value, A.why, A.brief, A.provisional,
              A.verdict, A.closed_at, closed_by.label("closed_by"))  # fmt: skip
    found = (
        sa.select(*wanted)
        .join_from(tables.alerts, tables.monitors, m.monitor_id == A.monitor_id)
        .where(A.state == state)
        .order_by((A.closed_at if state == "closed" else A.rank).desc(), A.alert_id.desc())
        .limit(limit)
    )
    if queue is not None:
        found = found.where(A.queue == queue)
    return [dict(r._mapping) | {"severity": SEVERITIES[r.severity]} for r in session.execute(found)]


def described(session: Session, public_id: str) -> dict[str, Any]:
    """One alert with the explanation of its oddest row, and with how many normal rows that was compared.

    Raises:
        UnknownError: there is no such alert.
    """
    m, o, members, v = tables.monitors.c, tables.outliers.c, tables.alert_members.c, tables.versions.c
    row = session.execute(
        sa.select(tables.alerts, CALLED.label("monitor"), o.explanation, o.reason, v.facts)
        .join_from(tables.alerts, tables.monitors, m.monitor_id == A.monitor_id)
        .join(tables.alert_members, members.alert_id == A.alert_id)
        .join(tables.outliers, o.outlier_id == members.outlier_id)
        .outerjoin(tables.versions, v.version_id == o.version_id)
        .where(A.public_id == public_id)
        .order_by(o.p_value)
        .limit(1)
    ).first()
    if row is None:
        raise UnknownError("alert", public_id, _newest(session, 5))
    found = dict(row._mapping)
    facts = found.pop("facts") or {}
    return found | {"severity": SEVERITIES[row.severity], "compared": compared(facts)}


def _newest(session: Session, limit: int) -> list[str]:
    """The alerts that came last, each with its monitor and state: ``k3m9x2a of boiler (open)``."""
    m = tables.monitors.c
    newest = (
        sa.select(A.public_id, CALLED.label("monitor"), A.state)
        .join_from(tables.alerts, tables.monitors, m.monitor_id == A.monitor_id)
        .order_by(A.alert_id.desc())
        .limit(limit)
    )
    return [f"{r.public_id} of {r.monitor} ({r.state})" for r in session.execute(newest)]


def over(session: Session, monitor_id: int, days: int) -> tuple[int, float]:
    """How many alerts began within the newest ``days`` of scored history, and how many days that is."""
    b = tables.score_bins.c
    first, last = session.execute(
        sa.select(
            sa.func.min(b.bin_at, type_=UtcDateTime()), sa.func.max(b.bin_at, type_=UtcDateTime())
        ).where(b.monitor_id == monitor_id)
    ).one()
    if first is None:
        return 0, 0.0
    since = max(first, last - timedelta(days=days))
    began = sa.select(sa.func.count()).where(A.monitor_id == monitor_id, A.first_event_at >= since)
    return session.scalar(began) or 0, round((last - since).total_seconds() / 86400, 1)
