"""Keys that an installation draws for itself, kept with its rows so that every machine and every backup has them."""

import hashlib
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


def every(session: Session, name: str) -> dict[str, str]:
    """The key and those of other installations that a restore brought beside it, as they are stored, by name."""
    mine = sa.or_(K.name == name, K.name.startswith(f"{name}:", autoescape=True))
    return {r.name: r.value for r in session.execute(sa.select(K.name, K.value).where(mine))}


def keep(session: Session, name: str, value: str, now: datetime) -> None:
    """Bring a key along: under its own name where that is free, else beside the one that has it."""
    there = every(session, name)
    if value in there.values():
        return
    free = name if name not in there else f"{name}:{hashlib.sha256(value.encode()).hexdigest()[:12]}"
    session.execute(sa.insert(tables.keys).values(name=free, value=value, created_at=now))


def drawn(session: Session, name: str, now: datetime) -> bytes:
    """The key; drawn and stored at its first use."""
    fresh = insert(session, tables.keys).values(name=name, value=secrets.token_hex(32), created_at=now)
    session.execute(fresh.on_conflict_do_nothing())
    key = found(session, name)
    assert key is not None
    return key
