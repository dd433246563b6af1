"""Leases with fencing tokens: who may write for a scope and job, checked inside every write."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import Superseded
from monitor.domain.run import Fence
from monitor.storage import tables
from monitor.storage.upsert import insert

T = tables.leases.c


def acquire(
    session: Session, name: str, run_id: int, holder: str, now: datetime, seconds: float
) -> Fence | None:
    """Take the lease if it is free or has run out; None while another run holds it."""
    session.execute(
        insert(session, tables.leases)
        .values(name=name, token=0, run_id=None, holder=None, expires_at=now)
        .on_conflict_do_nothing()
    )
    token = session.execute(
        sa.update(tables.leases)
        .where(T.name == name, sa.or_(T.run_id.is_(None), T.expires_at < now))
        .values(token=T.token + 1, run_id=run_id, holder=holder, expires_at=now + timedelta(seconds=seconds))
        .returning(T.token)
    ).scalar()
    return Fence(name, token) if token is not None else None


def hold(session: Session, fence: Fence, now: datetime, seconds: float) -> None:
    """Prove the fence and lengthen the lease; call it first in every transaction that a run writes.

    The row stays locked until the commit, so no other run can take the lease in between.

    Raises:
        Superseded: another run has the lease; nothing of this transaction may be kept.
    """
    held = session.execute(
        sa.update(tables.leases)
        .where(T.name == fence.name, T.token == fence.token, T.run_id.is_not(None))
        .values(expires_at=now + timedelta(seconds=seconds))
        .returning(T.token)
    ).scalar()
    if held is None:
        raise Superseded(
            f"the lease {fence.name!r} with token {fence.token} went to another run; nothing written"
        )


def release(session: Session, fence: Fence) -> None:
    session.execute(
        sa.update(tables.leases)
        .where(T.name == fence.name, T.token == fence.token)
        .values(run_id=None, holder=None)
    )


def held(session: Session) -> list[tuple[str, int, str]]:
    """(name, token, holder) of each lease that a run holds."""
    rows = session.execute(sa.select(T.name, T.token, T.holder).where(T.run_id.is_not(None)))
    return [(name, token, holder or "") for name, token, holder in rows]


def live(session: Session, now: datetime) -> list[tuple[str, str, datetime]]:
    """(name, holder, until when) of each lease that a run holds and that has not run out."""
    rows = session.execute(
        sa.select(T.name, T.holder, T.expires_at).where(T.run_id.is_not(None), T.expires_at >= now)
    )
    return [(name, holder or "", at) for name, holder, at in rows]


def expire(session: Session, name: str, token: int, now: datetime) -> None:
    """Let a lease run out at once: its holder is known to be gone."""
    session.execute(
        sa.update(tables.leases)
        .where(T.name == name, T.token == token)
        .values(expires_at=now - timedelta(seconds=1))
    )


def tokens(session: Session) -> dict[str, int]:
    """name -> token of every lease there ever was."""
    return {row.name: row.token for row in session.execute(sa.select(T.name, T.token))}


def supersede(session: Session, before: dict[str, int]) -> None:
    """Free every lease, with a token above any that was given out before: whoever still works is refused."""
    for name, token in (before | {n: max(t, before.get(n, 0)) for n, t in tokens(session).items()}).items():
        values = {"token": token + 1, "run_id": None, "holder": None}
        statement = insert(session, tables.leases).values(name=name, expires_at=datetime.now(UTC), **values)
        session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
