"""Rows that could not be used, each with its reason, each counted once."""

import hashlib
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables
from monitor.storage.upsert import insert


def store(session: Session, monitor_id: int, rows: pd.DataFrame, run_id: int, now: datetime) -> int:
    """Keep rows with columns origin, raw, reason; returns how many were not there before."""
    if rows.empty:
        return 0
    repeat = rows.groupby(["origin", "raw", "reason"]).cumcount()  # equal bad rows are so many bad rows
    values = [
        {
            "monitor_id": monitor_id,
            "run_id": run_id,
            "fingerprint": hashlib.sha256(f"{r.origin}\0{r.raw}\0{r.reason}\0{n}".encode()).hexdigest()[:32],
            "origin": r.origin,
            "raw": r.raw,
            "reason": r.reason,
            "at": now,
        }
        for r, n in zip(rows[["origin", "raw", "reason"]].itertuples(), repeat, strict=True)
    ]
    kept = 0
    for start in range(0, len(values), 1000):
        statement = insert(session, tables.quarantine).values(values[start : start + 1000])
        kept += len(
            session.execute(
                statement.on_conflict_do_nothing().returning(tables.quarantine.c.quarantine_id)
            ).all()
        )
    return kept


def count(session: Session, monitor_id: int) -> int:
    q = tables.quarantine
    return session.scalar(sa.select(sa.func.count()).where(q.c.monitor_id == monitor_id)) or 0


def after(
    session: Session, monitor_id: int, quarantine_id: int, limit: int, only: list[int] | None = None
) -> list[dict[str, Any]]:
    """The next rows in order of arrival; ``only``: of these alone."""
    q = tables.quarantine.c
    statement = sa.select(q.quarantine_id, q.at, q.origin, q.raw, q.reason).where(
        q.monitor_id == monitor_id, q.quarantine_id > quarantine_id
    )
    if only is not None:
        statement = statement.where(q.quarantine_id.in_(only))
    rows = session.execute(statement.order_by(q.quarantine_id).limit(limit))
    return [dict(r._mapping) for r in rows]


def release(session: Session, ids: list[int]) -> None:
    """Rows that could be used after all."""
    if ids:
        session.execute(sa.delete(tables.quarantine).where(tables.quarantine.c.quarantine_id.in_(ids)))


def explain(session: Session, reasons: dict[int, str]) -> None:
    """Say anew why rows cannot be used; their fingerprint stays that of what came in, so they come in once."""
    for quarantine_id, reason in reasons.items():
        session.execute(
            sa.update(tables.quarantine)
            .where(tables.quarantine.c.quarantine_id == quarantine_id)
            .values(reason=reason)
        )


def listed(session: Session, monitor_id: int, limit: int) -> list[dict[str, Any]]:
    """The newest rows with where they stood, what they held and why they could not be used."""
    q = tables.quarantine.c
    rows = session.execute(
        sa.select(q.quarantine_id, q.at, q.origin, q.raw, q.reason)
        .where(q.monitor_id == monitor_id)
        .order_by(q.at.desc(), q.quarantine_id.desc())
        .limit(limit)
    )
    return [dict(r._mapping) for r in rows]
