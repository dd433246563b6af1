"""What each monitor's jobs did last and what each channel has still to send, for ``monitor status``."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.health import of_channel, state
from monitor.domain.run import NO_FILE
from monitor.storage import monitors, mutes, runs, tables, versions
from monitor.storage.monitors import Watched
from monitor.storage.types import UtcDateTime

A, C, H, N, R = (
    tables.alerts.c, tables.channels.c, tables.alert_changes.c, tables.notifications.c, tables.runs.c,
)  # fmt: skip
JOBS = ("pull", "score", "train", "promote")


def of_all(session: Session, now: datetime) -> list[dict[str, Any]]:
    """One dictionary a monitor: state, last success of each job, lag, open alerts, what is wrong."""
    muted = mutes.whole(session, now)
    return [_of(session, watched, muted.get(watched.monitor_id), now) for watched in monitors.listed(session)]


def _of(session: Session, watched: Watched, muted: mutes.Standing | None, now: datetime) -> dict[str, Any]:
    last = {job: runs.succeeded_at(session, watched.monitor_id, job) for job in JOBS}
    failure = next((m for job in JOBS if (m := _failure(session, watched.monitor_id, job))), None)
    champion = versions.champion(session, watched.monitor_id)
    open_alerts = sa.select(sa.func.count()).where(A.monitor_id == watched.monitor_id, A.state == "open")
    retry = runs.retries(session, now, watched.monitor_id).get(watched.monitor_id)
    pulled, fed = last["pull"], watched.next_reading > 1
    return {
        "monitor": watched.config.name,
        "state": state(watched.config.schedule, now, watched.created_at, pulled, failure is not None,
                       champion is not None, fed, retry is not None),
        "last_success": last,
        "lag": str(now - pulled).split(".")[0] if pulled else None,
        "open_alerts": session.scalar(open_alerts) or 0,
        "champion": f"v{champion.number}" if champion else None,
        "message": failure or (retry and retry.said("UTC", now)) or (muted and muted.said("UTC", now))
                   or _nothing(session, watched, fed),
    }  # fmt: skip


def _nothing(session: Session, watched: Watched, fed: bool) -> str | None:
    """What the newest pull said, where that explains why no rows come."""
    said = runs.said(session, watched.monitor_id, "pull")
    return f"pull: {said}" if said and (not fed or NO_FILE in said) else None


def _failure(session: Session, monitor_id: int, job: str) -> str | None:
    """The message of a job's newest ended run, if it failed."""
    newest = session.execute(
        sa.select(R.state, R.message)
        .where(R.scope == f"monitor:{monitor_id}", R.job == job, R.state.in_(["done", "failed"]))
        .order_by(R.finished_at.desc())
        .limit(1)
    ).first()
    return f"{job}: {newest.message}" if newest and newest.state == "failed" else None


def of_channels(session: Session, now: datetime) -> list[dict[str, Any]]:
    """One dictionary a channel: state, how many messages wait and since when, how many were given up, why."""
    pending, dead = N.state == "pending", N.state == "dead"
    last = sa.select(N.error).where(N.channel == C.name, N.state != "sent", N.error.is_not(None))
    rows = session.execute(
        sa.select(
            C.name,
            sa.func.count(sa.case((pending, 1))).label("pending"),
            sa.func.min(sa.case((pending, H.at)), type_=UtcDateTime()).label("since"),
            sa.func.count(sa.case((dead, 1))).label("dead"),
            sa.func.max(sa.case((dead, N.due_at)), type_=UtcDateTime()).label("given_up_at"),
            last.order_by(N.notification_id.desc())
            .limit(1)
            .correlate(tables.channels)
            .scalar_subquery()
            .label("error"),
        )
        .join_from(
            tables.channels,
            tables.notifications,
            sa.and_(N.channel == C.name, N.state != "sent"),
            isouter=True,
        )
        .join(tables.alert_changes, H.change_id == N.change_id, isouter=True)
        .where(C.deleted_at.is_(None))
        .group_by(C.name)
        .order_by(C.name)
    )
    return [
        {"channel": r.name, "state": of_channel(now, r.since, r.given_up_at), "pending": r.pending,
         "waiting_since": r.since, "dead": r.dead, "message": r.error}
        for r in rows
    ]  # fmt: skip
