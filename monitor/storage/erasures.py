"""Erased entities: known by a keyed hash, so that rows of theirs are recognised without their name being kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain import erasure
from monitor.domain.run import EVERYTHING, scope_of
from monitor.storage import keys, tables
from monitor.storage.upsert import insert

E = tables.erasures.c
KEY = "erasure"


@dataclass(frozen=True)
class Erased:
    """What a pull has to leave out."""

    key: bytes
    digests: frozenset[str]

    def among(self, names: set[str]) -> set[str]:
        """Those of the names that were erased."""
        return {name for name in names if erasure.digest(self.key, name) in self.digests}


def of(session: Session, monitor_id: int) -> Erased | None:
    """None while nothing was ever erased here."""
    mine = sa.select(E.digest).where(E.scope.in_([EVERYTHING, scope_of(monitor_id)]))
    digests = frozenset(session.scalars(mine))
    key = keys.found(session, KEY) if digests else None
    return Erased(key, digests) if key is not None else None


def record(
    session: Session, scope: str, entity: str, actor: str, now: datetime, pending: list[int]
) -> tuple[int, str]:
    """Remember that an entity was erased; returns the erasure's number and hash. The same entity again is one row."""
    digest = erasure.digest(keys.drawn(session, KEY, now), entity)
    values = {"actor": actor, "at": now, "pending": pending}
    statement = insert(session, tables.erasures).values(scope=scope, digest=digest, counts={}, **values)
    statement = statement.on_conflict_do_update(index_elements=["scope", "digest"], set_=values)
    return int(session.execute(statement.returning(E.erasure_id)).scalar_one()), digest


def counted(session: Session, erasure_id: int, counts: dict[str, Any]) -> None:
    session.execute(sa.update(tables.erasures).where(E.erasure_id == erasure_id).values(counts=counts))


def pending(session: Session) -> dict[int, list[int]]:
    """erasure_id -> versions that still hold rows of an erased entity."""
    return {r.erasure_id: r.pending for r in session.execute(sa.select(E.erasure_id, E.pending)) if r.pending}


def still(session: Session, erasure_id: int, version_ids: list[int]) -> None:
    session.execute(sa.update(tables.erasures).where(E.erasure_id == erasure_id).values(pending=version_ids))
