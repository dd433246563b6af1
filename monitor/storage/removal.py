"""A monitor leaves: its rows stay for the audit under another name, so that its own becomes free."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import LIVE
from monitor.domain.monitor import Monitor
from monitor.domain.run import scope_of
from monitor.storage import readings, tables
from monitor.storage.monitors import REMOVED

A, C, L, M, N, R = (
    tables.alerts.c, tables.alert_changes.c, tables.leases.c, tables.monitors.c, tables.notifications.c,
    tables.runs.c,
)  # fmt: skip
BASE = 24  # characters of the old name that the new one keeps, within the 40 that a name may have


def remove(session: Session, monitor_id: int, actor: str, now: datetime) -> None:
    """Mark a monitor as deleted, end what waits for it and stop what works on it."""
    row = session.execute(sa.select(M.name, M.document).where(M.monitor_id == monitor_id)).one()
    config = Monitor.model_validate(row.document)
    kept = config.model_copy(update={"name": f"{config.name[:BASE].strip('-')}-deleted-{monitor_id}"})
    # locks in the order in which runs (lease, then rows) and reviews (alert, then readings) take them
    stop(session, monitor_id, ["pull", "score", "train", "promote"])
    _close(session, monitor_id, actor, now)
    session.execute(
        sa.update(tables.monitors)
        .where(M.monitor_id == monitor_id)
        .values(
            name=f"{row.name}{REMOVED}{monitor_id}", document=kept.model_dump(mode="json"), deleted_at=now
        )
    )
    readings.rename(session, config.table, kept.table)
    session.execute(
        sa.update(tables.runs)
        .where(R.scope == scope_of(monitor_id), R.state == "queued")
        .values(state="refused", message="the monitor was removed", finished_at=now)
    )


def remove_channel(session: Session, name: str, now: datetime) -> None:
    """Mark a channel as deleted; what waits in its outbox is not sent any more."""
    session.execute(sa.update(tables.channels).where(tables.channels.c.name == name).values(deleted_at=now))
    session.execute(
        sa.update(tables.notifications)
        .where(N.channel == name, N.state == "pending")
        .values(state="dead", error="the channel was removed")
    )


def stop(session: Session, monitor_id: int, jobs: list[str]) -> None:
    """Take the leases of the monitor's runs away: what they have not committed yet is refused."""
    names = [f"{scope_of(monitor_id)}/{job}" for job in jobs]
    session.execute(
        sa.update(tables.leases).where(L.name.in_(names)).values(token=L.token + 1, run_id=None, holder=None)
    )


def _close(session: Session, monitor_id: int, actor: str, now: datetime) -> None:
    closed = session.scalars(
        sa.update(tables.alerts)
        .where(A.monitor_id == monitor_id, A.state.in_(LIVE))
        .values(state="closed", closed_at=now, revision=A.revision + 1)
        .returning(A.alert_id)
    ).all()
    if closed:
        reason = {"reason": "the monitor was removed"}
        session.execute(
            sa.insert(tables.alert_changes),
            [{"alert_id": a, "at": now, "kind": "closed", "actor": actor, "detail": reason} for a in closed],
        )
