"""What Overview, Monitors and Runs show; each function reads no more than the page holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.run import scope_of
from monitor.storage import tables
from monitor.storage.monitors import CALLED
from monitor.storage.versions import EMPTIED

A, B, M, R, V = (
    tables.alerts.c, tables.score_bins.c, tables.monitors.c, tables.runs.c, tables.versions.c,
)  # fmt: skip
WATCHED = ["pull", "score", "train", "promote"]  # jobs whose failing makes a monitor fail


@dataclass(frozen=True)
class Bin:
    """A stretch of scores: the smallest p-value of its rows and how many were flagged."""

    at: datetime
    p_value: float
    rows: int
    flagged: int


@dataclass(frozen=True)
class Standing:
    """A monitor as the overview sees it."""

    monitor_id: int
    name: str
    document: dict[str, Any]
    fields: dict[str, Any] | None
    stored: int
    quarantined: int
    notices: list[str]
    created_at: datetime
    pulled_at: datetime | None  # last success
    open: int
    severity: int | None  # highest of its open alerts
    value: float | None
    version: int | None
    trained_at: datetime | None
    threshold: float | None
    provisional: bool


def fleet(session: Session) -> list[Standing]:
    """Every monitor with its champion and its open alerts."""
    alerts = (
        sa.select(
            A.monitor_id,
            sa.func.count().label("open"),
            sa.func.max(A.severity).label("severity"),
            sa.func.sum(A.value).label("value"),
        )
        .where(A.state == "open")
        .group_by(A.monitor_id)
        .subquery()
    )
    champion = sa.and_(V.monitor_id == M.monitor_id, V.state == "champion")
    rows = session.execute(
        sa.select(
            M.monitor_id, M.name, M.document, M.fields, M.stored, M.quarantined, M.notices, M.created_at,
            _ended("pull", "done"),
            sa.func.coalesce(alerts.c.open, 0), alerts.c.severity, alerts.c.value,
            V.number, V.decided_at, V.threshold, sa.func.coalesce(V.scored_through <= V.trained_through, sa.false()),
        )
        .join_from(tables.monitors, alerts, alerts.c.monitor_id == M.monitor_id, isouter=True)
        .outerjoin(tables.versions, champion)
        .where(M.deleted_at.is_(None))
        .order_by(M.name)
    )  # fmt: skip
    return [Standing(*tuple(r)) for r in rows]


def failures(session: Session) -> dict[int, Any]:
    """monitor_id -> its newest failed run, where no run of the same job succeeded since."""
    ended = {(job, state): _ended(job, state) for job in WATCHED for state in ("failed", "done")}
    rows = session.execute(sa.select(M.monitor_id, *ended.values()).where(M.deleted_at.is_(None)))
    found: dict[int, Any] = {}
    for monitor_id, *at in rows:
        last = dict(zip(ended, at, strict=True))
        stands = [
            (last[job, "failed"], job)
            for job in WATCHED
            if last[job, "failed"] and (last[job, "done"] is None or last[job, "done"] < last[job, "failed"])
        ]
        if stands:
            found[monitor_id] = _failed(session, monitor_id, *max(stands))
    return found


def _ended(job: str, state: str) -> sa.ScalarSelect[Any]:
    """When a job of the monitor at hand last ended so: one look into an index."""
    scope = "monitor:" + sa.cast(M.monitor_id, sa.Text)
    return (
        sa.select(sa.func.max(R.finished_at))
        .where(R.scope == scope, R.job == job, R.state == state)
        .correlate(tables.monitors)
        .scalar_subquery()
    )


def _failed(session: Session, monitor_id: int, at: datetime, job: str) -> Any:
    return session.execute(
        sa.select(R.run_id, R.job, R.finished_at, R.message, R.attempt)
        .where(R.scope == scope_of(monitor_id), R.job == job, R.state == "failed", R.finished_at == at)
        .limit(1)
    ).first()


def sparks(session: Session, since: datetime) -> dict[int, list[Bin]]:
    """monitor_id -> its quarter hours since then."""
    rows = session.execute(
        sa.select(B.monitor_id, B.bin_at, B.p_value, B.rows, B.flagged)
        .join_from(tables.monitors, tables.score_bins, B.monitor_id == M.monitor_id)
        .where(M.deleted_at.is_(None), B.bin_at >= since)
        .order_by(B.monitor_id, B.bin_at)
    )
    found: dict[int, list[Bin]] = {}
    for monitor_id, *values in rows:
        found.setdefault(monitor_id, []).append(Bin(*values))
    return found


def scores(session: Session, monitor_id: int, start: datetime, end: datetime, points: int = 720) -> list[Bin]:
    """A monitor's scores in at most ``points`` stretches, thinned by the database; the oddest row of each is kept."""
    cut = sa.func.ntile(points).over(order_by=B.bin_at).label("cut")
    bins = (
        sa.select(B.bin_at, B.p_value, B.rows, B.flagged, cut)
        .where(B.monitor_id == monitor_id, B.bin_at >= start, B.bin_at <= end)
        .subquery()
    )
    b = bins.c
    rows = session.execute(
        sa.select(sa.func.min(b.bin_at), sa.func.min(b.p_value), sa.func.sum(b.rows), sa.func.sum(b.flagged))
        .group_by(b.cut)
        .order_by(b.cut)
    )
    return [Bin(at, p_value, int(count), int(flagged)) for at, p_value, count, flagged in rows]


@dataclass(frozen=True)
class Desk:
    """The queue in numbers: how fast it is worked and how often an alert was worth it."""

    open: int
    oldest: datetime | None  # since when the first of the open ones waits for a person
    to_verdict: timedelta | None  # median of the last reviews
    verdicts: dict[str, int]  # of the last 30 days


def desk(session: Session, now: datetime) -> Desk:
    opened, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(A.opened_at)).where(A.state == "open")
    ).one()
    closed = session.execute(
        sa.select(A.opened_at, A.closed_at)
        .where(A.closed_at > now - timedelta(days=30), A.verdict.is_not(None))
        .order_by(A.closed_at.desc())
        .limit(200)
    ).all()
    took = sorted(r.closed_at - r.opened_at for r in closed)
    given = session.execute(
        sa.select(A.verdict, sa.func.count())
        .where(A.closed_at > now - timedelta(days=30), A.verdict.is_not(None))
        .group_by(A.verdict)
    )
    return Desk(opened, oldest, took[len(took) // 2] if took else None, {v: n for v, n in given if v})


def jobs(session: Session, since: datetime) -> dict[str, int]:
    """Runs that began since then: in all, failed, running."""
    counts = [sa.func.count(), *(sa.func.count(sa.case((R.state == s, 1))) for s in ("failed", "running"))]
    row = session.execute(sa.select(*counts).where(R.started_at >= since)).one()
    return dict(zip(("all", "failed", "running"), row, strict=True))


def undelivered(session: Session) -> int:
    """Notifications that were given up."""
    n = tables.notifications.c
    return session.scalar(sa.select(sa.func.count()).where(n.state == "dead")) or 0


@dataclass(frozen=True)
class Sought:
    """Which runs a person wants to see."""

    monitor_id: int | None = None
    job: str | None = None
    state: str | None = None


def runs(session: Session, sought: Sought, before: int | None, limit: int) -> list[Any]:
    """The newest runs below run_id ``before``; asking for one more than is shown tells whether there are more."""
    query = sa.select(
        R.run_id, CALLED.label("monitor"), M.deleted_at, M.document, R.job, R.slot, R.state, R.actor, R.attempt,
        R.requested_at, R.not_before, R.started_at, R.finished_at, R.progress, R.counts, R.message,
    ).join_from(tables.runs, tables.monitors, isouter=True)  # fmt: skip
    if sought.monitor_id is not None:
        query = query.where(R.scope == scope_of(sought.monitor_id))
    if sought.job is not None:
        query = query.where(R.job == sought.job)
    if sought.state is not None:
        query = query.where(R.state == sought.state)
    if before is not None:
        query = query.where(R.run_id < before)
    return list(session.execute(query.order_by(R.run_id.desc()).limit(limit)))


def versions(session: Session, monitor_id: int, limit: int = 12) -> list[Any]:
    """The newest versions without their bytes."""
    return list(
        session.execute(
            sa.select(V.version_id, V.number, V.state, V.objective, V.created_at, V.decided_at, V.decision, V.facts,
                      V.manifest, V.pinned, V.threshold, EMPTIED.label("emptied"))
            .where(V.monitor_id == monitor_id)
            .order_by(V.number.desc())
            .limit(limit)
        )
    )  # fmt: skip
