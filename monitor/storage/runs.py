"""Runs: slots become rows, rows are claimed by one statement, and nothing runs twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain import writing
from monitor.domain.run import ENDED, LANE, NO_FILE, TRIES, Request, Run, scope_of
from monitor.storage import leases, tables
from monitor.storage.upsert import insert

R = tables.runs.c
ORDER = ["notify", "pull", "readmit", "score", "promote", "prune", "train"]  # what a free worker takes first


def offer(
    session: Session, request: Request, actor: str, now: datetime, *, coalesce: bool = False
) -> int | None:
    """Put a slot into the queue; None when it is there already, or (``coalesce``) an earlier one still waits."""
    scope = scope_of(request.monitor_id)
    if coalesce and session.scalar(
        sa.select(R.run_id).where(R.scope == scope, R.job == request.job, R.state == "queued").limit(1)
    ):
        return None
    statement = insert(session, tables.runs).values(
        monitor_id=request.monitor_id,
        scope=scope,
        job=request.job,
        slot=request.slot,
        state="queued",
        actor=actor,
        attempt=0,
        requested_at=now,
        due_at=request.not_before or now,
        not_before=request.not_before or now,
        counts=request.counts or None,
    )
    return session.execute(statement.on_conflict_do_nothing().returning(R.run_id)).scalar()


def following(session: Session, job: str, monitor_id: int | None, now: datetime) -> int | None:
    """The oldest request for this job that an earlier run left and that may begin."""
    found: int | None = session.scalar(
        sa.select(R.run_id)
        .where(R.scope == scope_of(monitor_id), R.job == job, R.state == "queued", R.not_before <= now,
               sa.or_(R.slot.startswith("after-"), R.slot.startswith("first-")), R.counts.is_(None))
        .order_by(R.run_id)
        .limit(1)
    )  # fmt: skip
    return found


def numbered(session: Session, request: Request) -> int | None:
    """The run of a slot."""
    found: int | None = session.scalar(
        sa.select(R.run_id).where(
            R.scope == scope_of(request.monitor_id), R.job == request.job, R.slot == request.slot
        )
    )
    return found


def claim(
    session: Session,
    jobs: list[str],
    holder: str,
    now: datetime,
    seconds: float,
    *,
    run_id: int | None = None,
) -> Run | None:
    """Take the next run whose lease is free; the run and its lease change in one transaction."""
    lane = sa.case(LANE, value=R.job, else_=R.job)
    busy = sa.select(tables.leases.c.name).where(
        tables.leases.c.name == R.scope + "/" + lane,
        tables.leases.c.run_id.is_not(None),
    )
    waiting = sa.select(R.run_id, R.scope, R.job).where(
        R.state == "queued", R.not_before <= now, R.job.in_(jobs), ~busy.exists()
    )
    if run_id is not None:
        waiting = waiting.where(R.run_id == run_id)
    first = sa.case({job: n for n, job in enumerate(ORDER)}, value=R.job, else_=len(ORDER))
    for found, scope, job in session.execute(waiting.order_by(first, R.not_before, R.run_id).limit(8)).all():
        fence = leases.acquire(session, f"{scope}/{LANE.get(job, job)}", found, holder, now, seconds)
        if fence is None:
            continue
        row = session.execute(
            sa.update(tables.runs)
            .where(R.run_id == found, R.state == "queued")
            .values(state="running", started_at=now, finished_at=None, worker=holder, attempt=R.attempt + 1)
            .returning(R.monitor_id, R.slot, R.actor, R.attempt, R.counts)
        ).first()
        if row is None:
            leases.release(session, fence)
            continue
        return Run(found, row.monitor_id, job, row.slot, row.actor, row.attempt, fence, row.counts or {})
    return None


def finish(
    session: Session, run: Run, state: str, message: str, counts: dict[str, Any], now: datetime
) -> None:
    """Close a run; the caller holds its fence in this transaction."""
    ended = sa.case((R.started_at > now, R.started_at), else_=now)  # the clock may have been put back
    session.execute(
        sa.update(tables.runs)
        .where(R.run_id == run.run_id)
        .values(state=state, message=message, counts=run.counts | counts, finished_at=ended, progress=None)
    )


def postpone(session: Session, run: Run, message: str, not_before: datetime) -> None:
    """Back into the queue, to be tried again."""
    session.execute(
        sa.update(tables.runs)
        .where(R.run_id == run.run_id)
        .values(state="queued", message=message, not_before=not_before, progress=None)
    )


def hasten(session: Session, now: datetime) -> None:
    """Let nothing wait for a moment that was given by a clock since put back."""
    session.execute(
        sa.update(tables.runs).where(R.state == "queued", R.not_before > now).values(not_before=now)
    )


def progress(session: Session, run: Run, fraction: float, message: str) -> None:
    session.execute(
        sa.update(tables.runs)
        .where(R.run_id == run.run_id, R.state == "running", R.attempt == run.attempt)
        .values(progress=fraction, message=message)
    )


def _orphan() -> sa.ColumnElement[bool]:
    lease = sa.select(tables.leases.c.name).where(tables.leases.c.run_id == R.run_id)
    return sa.and_(R.state == "running", ~lease.exists())


def orphans(session: Session) -> bool:
    """Whether a running run has no lease any more."""
    return session.scalar(sa.select(R.run_id).where(_orphan()).limit(1)) is not None


def requeue_orphans(session: Session, now: datetime) -> int:
    """Runs whose worker is gone go back into the queue; one that keeps killing its worker is given up."""
    orphan = _orphan()
    given_up = f"its worker died {TRIES} times; see the log, then request it again"
    session.execute(
        sa.update(tables.runs)
        .where(orphan, R.attempt >= TRIES)
        .values(state="failed", message=given_up, finished_at=now)
    )
    freed = session.execute(
        sa.update(tables.runs)
        .where(orphan)
        .values(state="queued", not_before=now, message="its worker stopped; taken up again")
        .returning(R.run_id)
    )
    return len(freed.all())


def last_slot(session: Session, monitor_id: int | None, job: str) -> datetime | None:
    """When the newest scheduled slot of a job was due (requests by people do not count)."""
    found: datetime | None = session.scalar(
        sa.select(sa.func.max(R.due_at)).where(
            R.scope == scope_of(monitor_id), R.job == job, R.actor == "schedule"
        )
    )
    return found


def succeeded_at(session: Session, monitor_id: int, job: str) -> datetime | None:
    found: datetime | None = session.scalar(
        sa.select(sa.func.max(R.finished_at)).where(
            R.scope == scope_of(monitor_id), R.job == job, R.state == "done"
        )
    )
    return found


def said(session: Session, monitor_id: int, job: str) -> str | None:
    """The sentence of a job's newest success."""
    found: str | None = session.scalar(
        sa.select(R.message)
        .where(R.scope == scope_of(monitor_id), R.job == job, R.state == "done")
        .order_by(R.finished_at.desc())
        .limit(1)
    )
    return found


@dataclass(frozen=True)
class Retry:
    """A run that met a fault which may pass, and waits to be tried again."""

    job: str
    at: datetime
    attempt: int
    message: str

    def said(self, zone: str, now: datetime) -> str:
        return f"{self.job}: retrying at {writing.moment(self.at, zone, now)}, because {self.message}"


def retries(session: Session, now: datetime, monitor_id: int | None = None) -> dict[int, Retry]:
    """monitor_id -> the first of its runs to be tried again."""
    mine = R.monitor_id.is_not(None) if monitor_id is None else R.monitor_id == monitor_id
    rows = session.execute(
        sa.select(R.monitor_id, R.job, R.not_before, R.attempt, R.message)
        .where(R.state == "queued", R.not_before > now, R.attempt > 0, R.message.is_not(None), mine)
        .order_by(R.not_before.desc())
    )
    return {r.monitor_id: Retry(r.job, r.not_before, r.attempt, r.message) for r in rows}


def forget(session: Session, before: datetime, *, message: str | None = None) -> int:
    """Drop runs that ended before then; with ``message`` only those that said just that, or that no file was there."""
    ended = sa.and_(R.finished_at < before, R.state.in_(ENDED))
    said = (
        sa.or_(R.message == message, R.message.startswith(f"{message}; {NO_FILE}")) if message else sa.true()
    )
    gone = session.execute(sa.delete(tables.runs).where(ended, said).returning(R.run_id))
    return len(gone.all())


def waiting(session: Session, jobs: list[str], now: datetime) -> bool:
    """Whether a look at the queue is worth a write transaction."""
    found = sa.select(R.run_id).where(R.state == "queued", R.not_before <= now, R.job.in_(jobs)).limit(1)
    return session.scalar(found) is not None


def get(session: Session, run_id: int) -> dict[str, Any]:
    row = session.execute(sa.select(tables.runs).where(R.run_id == run_id)).one()
    return dict(row._mapping)
