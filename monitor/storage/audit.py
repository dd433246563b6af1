"""The audit trail: rows that are only ever added, each sealed with the hash of the one before."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables

A = tables.audit.c
FIRST = "0" * 64  # what the first row takes for the hash before it
LOCK = 4_710_001  # PostgreSQL's advisory lock of the chain's end
BATCH = 2_000
ERASED = "entity.erased"


@dataclass(frozen=True)
class Entry:
    """One line of the trail."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Chain:
    """What a verification found: ``broken`` is the audit_id of the first row that does not fit, or None."""

    rows: int
    head: str
    broken: int | None


def append(
    session: Session, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]
) -> int:
    """Add one line; it is kept or dropped with the rest of the transaction.

    subject: "alert:k3m9x2a" or "monitor:card-payments"; detail: JSON, no NaN.
    Returns the audit_id. Writers that come together wait for each other.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    before = session.scalar(sa.select(A.row_hash).order_by(A.audit_id.desc()).limit(1)) or FIRST
    sealed = seal(before, at, actor, action, subject, detail)
    new = sa.insert(tables.audit).values(
        at=at, actor=actor, action=action, subject=subject, detail=detail, prev_hash=before, row_hash=sealed
    )
    number: int = session.execute(new.returning(A.audit_id)).scalar_one()
    return number


def seal(before: str, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]) -> str:
    """sha256 over the hash before and the canonical JSON of the line."""
    line = [at.astimezone(UTC).isoformat(timespec="microseconds"), actor, action, subject, _canonical(detail)]
    text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """The same for what is written and what a JSON column gives back: 2.0 may return as 2, a tuple as a list."""
    if isinstance(value, dict):
        return {str(k): _canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def verify(session: Session) -> Chain:
    """Walk the whole chain and name the first row whose content or link was changed.

    A line from which an erasure took a name keeps its hash, so the chain holds; what it says now is vouched for by
    the erasure's own line, which is sealed as any other.
    """
    rows, head = 0, FIRST
    vouched = _vouched(session)
    columns = (A.audit_id, A.at, A.actor, A.action, A.subject, A.detail, A.prev_hash, A.row_hash)
    lines = sa.select(*columns).order_by(A.audit_id).execution_options(yield_per=BATCH)
    with session.execute(lines) as read:
        for r in read:
            sealed = seal(head, r.at, r.actor, r.action, r.subject, r.detail)
            whole = r.row_hash == sealed or vouched.get(str(r.audit_id)) == sealed
            if r.prev_hash != head or not whole:
                return Chain(rows, head, r.audit_id)
            rows, head = rows + 1, r.row_hash
    return Chain(rows, head, None)


def _vouched(session: Session) -> dict[str, str]:
    """audit_id -> seal of what an erasure left of a line."""
    found: dict[str, str] = {}
    for detail in session.scalars(sa.select(A.detail).where(A.action == ERASED).order_by(A.audit_id)):
        found |= detail.get("redacted", {})
    return found


def mentioning(session: Session, words: list[str]) -> list[Entry]:
    """Lines that hold any of the words in what they say, or are about any of them."""
    text = sa.cast(A.detail, sa.Text)
    rows = session.execute(
        sa.select(A.audit_id, A.at, A.actor, A.action, A.subject, A.detail)
        .where(sa.or_(*(text.contains(w, autoescape=True) for w in words), A.subject.in_(words)))
        .order_by(A.audit_id)
    )
    return [Entry(*r) for r in rows]


def redact(session: Session, entry: Entry, detail: dict[str, Any]) -> str:
    """Put another detail into a line that stands; returns its seal, which the erasure's own line has to carry."""
    change = sa.update(tables.audit).where(A.audit_id == entry.audit_id).values(detail=detail)
    before = session.execute(change.returning(A.prev_hash)).scalar_one()
    return seal(before, entry.at, entry.actor, entry.action, entry.subject, detail)


def about(session: Session, subjects: Iterable[str], limit: int = 20) -> list[Entry]:
    """The newest lines about any of the subjects, newest first."""
    found = session.execute(
        sa.select(A.audit_id, A.at, A.actor, A.action, A.subject, A.detail)
        .where(A.subject.in_(list(subjects)))
        .order_by(A.at.desc(), A.audit_id.desc())
        .limit(limit)
    )
    return [Entry(*r) for r in found]
