"""What is in a database that may be damaged, older, or not there: what a restore asks before it replaces it."""

from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import MonitorError
from monitor.domain.writing import counted
from monitor.storage import erasures, leases, schema, tables
from monitor.storage.database import Database
from monitor.storage.erasures import Remembered

TOLD = ("monitors", "alerts", "reviews", "audit")  # whose loss somebody would feel first


@dataclass(frozen=True)
class Occupancy:
    """what: in words, None where there is nothing; held, tokens: of its leases; erased: what must not come back."""

    what: str | None = None
    held: list[leases.Held] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    erased: Remembered = field(default_factory=Remembered)


def of(database: Database) -> Occupancy:
    """
    Raises:
        MonitorError: the database is of a newer release.
    """
    file = database.url.database if database.dialect == "sqlite" else None
    if file is not None and not Path(file).exists():
        return Occupancy()
    try:
        at = schema.current(database)
        if at is None:
            return Occupancy()
        if at not in schema.history():
            raise MonitorError(
                f"the database is at {at}, which this release does not know; upgrade monitor first"
            )
        with database.read() as session:
            known = erasures.remembered(session)
            return Occupancy(_rows(session), leases.held(session), leases.tokens(session), known)
    except sa.exc.DatabaseError as fault:
        if database.dialect != "sqlite" or isinstance(fault, sa.exc.OperationalError):
            raise
        database.close()
        return Occupancy("what SQLite calls damaged, which would be kept beside the restored one")


def _rows(session: Session) -> str | None:
    """Any row at all, in any of the product's tables."""
    counts = {
        name: session.scalar(sa.select(sa.func.count()).select_from(tables.metadata.tables[name])) or 0
        for name in TOLD
    }
    if any(counts.values()):
        return ", ".join(f"{counted(number, 'row')} of {name}" for name, number in counts.items() if number)
    return None
