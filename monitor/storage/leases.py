"""Leases with fencing tokens: who may write for a scope and job, checked inside every write."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import Superseded
from monitor.domain.run import Fence
from monitor.storage import tables
from monitor.storage.upsert import insert

T = tables.leases.c
LEAP = 1_000  # more tokens than a job can be given between a look at them and the end of a restore


@dataclass(frozen=True)
class Held:
    """A lease that a run holds. ``beat`` differs after each sign of life; it is compared, never measured."""

    name: str
    holder: str
    beat: tuple[int, datetime]


def acquire(
    session: Session, name: str, run_id: int, holder: str, now: datetime, seconds: float
) -> Fence | None:
    """Take the lease if it is free; None while another run holds it."""
    session.execute(
        insert(session, tables.leases)
        .values(name=name, token=0, run_id=None, holder=None, expires_at=now)
        .on_conflict_do_nothing()
    )
    token = session.execute(
        sa.update(tables.leases)
        .where(T.name == name, T.run_id.is_(None))
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


def held(session: Session) -> list[Held]:
    rows = session.execute(
        sa.select(T.name, T.holder, T.token, T.expires_at).where(T.run_id.is_not(None)).order_by(T.name)
    )
    return [Held(name, holder or "", (token, at)) for name, holder, token, at in rows]


def take_away(session: Session, lease: Held) -> None:
    """Free the lease of a holder that is gone, unless it gave a sign of life meanwhile."""
    token, at = lease.beat
    session.execute(
        sa.update(tables.leases)
        .where(T.name == lease.name, T.token == token, T.expires_at == at)
        .values(run_id=None, holder=None)
    )


def tokens(session: Session) -> dict[str, int]:
    """name -> token of every lease there ever was."""
    return {row.name: row.token for row in session.execute(sa.select(T.name, T.token))}


def supersede(session: Session, before: dict[str, int]) -> None:
    """Free every lease, with a token above any that was given out before: whoever still works is refused."""
    for name, token in (before | {n: max(t, before.get(n, 0)) for n, t in tokens(session).items()}).items():
        values = {"token": token + LEAP, "run_id": None, "holder": None}
        statement = insert(session, tables.leases).values(name=name, expires_at=datetime.now(UTC), **values)
        session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
