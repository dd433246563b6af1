"""Erased entities: known by a keyed hash, so that rows of theirs are recognised without their name being kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain import erasure
from monitor.domain.run import EVERYTHING, scope_of
from monitor.storage import keys, tables
from monitor.storage.erasing import Place
from monitor.storage.monitors import REMOVED
from monitor.storage.upsert import insert

E, M = tables.erasures.c, tables.monitors.c
KEY = "erasure"


@dataclass(frozen=True)
class Erased:
    """What a pull has to leave out. keys: usually one."""

    keys: list[bytes]
    digests: frozenset[str]

    def among(self, names: set[str]) -> set[str]:
        """Those of the names that were erased."""
        return {n for n in names if any(erasure.digest(key, n) in self.digests for key in self.keys)}


@dataclass(frozen=True)
class Remembrance:
    """Erasures of one scope that have to be done again."""

    scope: str
    erased: Erased


def of(session: Session, monitor_id: int) -> Erased | None:
    """None while nothing was ever erased here."""
    mine = sa.select(E.digest).where(E.scope.in_([EVERYTHING, scope_of(monitor_id)]))
    digests = frozenset(session.scalars(mine))
    return Erased(_keys(session), digests) if digests else None


def _keys(session: Session) -> list[bytes]:
    return [bytes.fromhex(value) for value in keys.every(session, KEY).values()]


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


@dataclass(frozen=True)
class Remembered:
    """What a database knows of its erasures, for an older one to learn. rows: as stored, with a monitor's name."""

    keys: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


def remembered(session: Session) -> Remembered:
    """Everything; nothing in a database of before there were erasures."""
    if not sa.inspect(session.connection()).has_table(tables.erasures.name):
        return Remembered()
    scope = sa.literal("monitor:") + sa.cast(M.monitor_id, sa.Text)
    rows = session.execute(
        sa.select(E.scope, E.digest, E.actor, E.at, E.counts, M.name).join_from(
            tables.erasures, tables.monitors, scope == E.scope, isouter=True
        )
    )
    return Remembered(list(keys.every(session, KEY).values()), [dict(r._mapping) for r in rows])


def carry(session: Session, memory: Remembered, now: datetime) -> tuple[list[Remembrance], int]:
    """Remember in this database what another did; what was new to it, and how many are of monitors it does not have.

    A monitor is known by its name: its number may be another's in an older database.
    """
    for value in memory.keys:
        keys.keep(session, KEY, value, now)
    scopes = {name: scope_of(number) for number, name in session.execute(sa.select(M.monitor_id, M.name))}
    new: dict[str, set[str]] = {}
    unknown = 0
    for row in memory.rows:
        scope = EVERYTHING if row["scope"] == EVERYTHING else _scope(scopes, row["name"])
        if scope is None:
            unknown += 1
            continue
        values = {n: row[n] for n in ("digest", "actor", "at", "counts")} | {"scope": scope, "pending": []}
        statement = insert(session, tables.erasures).values(values).on_conflict_do_nothing()
        if session.execute(statement.returning(E.erasure_id)).scalar() is not None:
            new.setdefault(scope, set()).add(row["digest"])
    found = _keys(session)
    return [Remembrance(scope, Erased(found, frozenset(digests))) for scope, digests in new.items()], unknown


def _scope(scopes: dict[str, str], name: str | None) -> str | None:
    """Of the monitor of that name, or of the one that was removed since."""
    return scopes.get(name or "") or scopes.get((name or "").partition(REMOVED)[0])


def named(session: Session, places: list[Place], among: Callable[[set[str]], set[str]]) -> set[str]:
    """Those of the erased that these monitors still hold something of, by any column or text that names an entity."""
    ids = [place.monitor_id for place in places]
    found: set[str] = set()
    for place in places:
        if place.schema is not None:
            found |= among(_texts(session, sa.select(place.table.c.entity).distinct()))
    for c in (tables.alerts.c, tables.outliers.c, tables.suppressions.c):
        found |= among(_texts(session, sa.select(c.entity).where(c.monitor_id.in_(ids)).distinct()))
    h = tables.holds.c
    mine = sa.or_(h.monitor_id.is_(None), h.monitor_id.in_(ids))
    found |= among(_texts(session, sa.select(h.entity).where(mine).distinct()))
    q = tables.quarantine.c
    aside = sa.select(q.raw, q.origin, q.reason).where(q.monitor_id.in_(ids))
    for row in session.execute(aside.execution_options(yield_per=1000)):
        found |= among(set().union(*map(erasure.names, row)))
    return found


def _texts(session: Session, query: sa.Select[Any]) -> set[str]:
    return {text for text in session.scalars(query) if text is not None}
