"""Keys that an installation draws for itself, kept with its rows so that every machine and every backup has them."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables
from monitor.storage.upsert import insert

K = tables.keys.c


def found(session: Session, name: str) -> bytes | None:
    """The key, or None where it was never needed."""
    value = session.scalar(sa.select(K.value).where(K.name == name))
    return bytes.fromhex(value) if value is not None else None


def drawn(session: Session, name: str, now: datetime) -> bytes:
    """The key; drawn and stored at its first use."""
    fresh = insert(session, tables.keys).values(name=name, value=secrets.token_hex(32), created_at=now)
    session.execute(fresh.on_conflict_do_nothing())
    key = found(session, name)
    assert key is not None
    return key
