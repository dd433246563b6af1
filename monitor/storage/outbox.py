"""The outbox: one row a change and channel, written with the change, sent later, at least once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables

N = tables.notifications.c


@dataclass(frozen=True)
class Due:
    """A notification claimed for sending."""

    notification_id: int
    change_id: int
    channel: str
    idempotency_key: str
    attempts: int


def enqueue(session: Session, change_id: int, channels: list[str], now: datetime) -> None:
    for channel in channels:
        session.execute(
            sa.insert(tables.notifications).values(
                change_id=change_id,
                channel=channel,
                state="pending",
                idempotency_key=f"{change_id}-{channel}",
                attempts=0,
                due_at=now,
            )
        )


def channels_due(session: Session, now: datetime) -> list[str]:
    """Channels whose first waiting notification is due; a channel's order is kept, others do not wait for it."""
    heads = (
        sa.select(N.channel, sa.func.min(N.notification_id).label("head"))
        .where(N.state == "pending")
        .group_by(N.channel)
        .subquery()
    )
    return list(
        session.scalars(
            sa.select(N.channel)
            .join(heads, sa.and_(N.notification_id == heads.c.head))
            .where(N.due_at <= now)
            .order_by(N.channel)
        )
    )


def claim(session: Session, channel: str, now: datetime, seconds: float) -> Due | None:
    """Take the channel's first waiting notification; if its sender dies it is due again after ``seconds``."""
    head = sa.select(sa.func.min(N.notification_id)).where(N.state == "pending", N.channel == channel)
    row = session.execute(
        sa.update(tables.notifications)
        .where(N.notification_id == head.scalar_subquery(), N.state == "pending", N.due_at <= now)
        .values(attempts=N.attempts + 1, due_at=now + timedelta(seconds=seconds))
        .returning(N.notification_id, N.change_id, N.channel, N.idempotency_key, N.attempts)
    ).first()
    return Due(*row) if row else None


def hasten(session: Session, now: datetime) -> None:
    """Let nothing wait for a moment that was given by a clock since put back."""
    session.execute(
        sa.update(tables.notifications).where(N.state == "pending", N.due_at > now).values(due_at=now)
    )


def settle(session: Session, due: Due, state: str, error: str | None, at: datetime) -> None:
    """Mark what came of it: sent or dead at ``at``, or pending again from ``at``."""
    values: dict[str, Any] = {"state": state, "error": error}
    values["sent_at" if state == "sent" else "due_at"] = at
    session.execute(
        sa.update(tables.notifications).where(N.notification_id == due.notification_id).values(**values)
    )
