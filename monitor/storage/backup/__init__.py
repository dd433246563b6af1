"""Copies of the whole database: made while jobs run, verified, and brought back all or nothing."""

from pathlib import Path

from monitor.storage.backup import postgres, sqlite
from monitor.storage.backup.copy import Copy, Prepare, Unusable, described, kind_of
from monitor.storage.database import Database

__all__ = ["Copy", "Prepare", "Unusable", "look", "make", "restore"]


def make(database: Database, file: Path) -> Copy:
    """Copy the database into ``file``, as it stands at one moment between two transactions, and verify the copy.

    Nothing is at ``file`` before it is whole; the file is readable by its owner alone.

    Raises:
        Unusable: a program is absent, or the copy does not pass its check.
    """
    kind = sqlite if database.dialect == "sqlite" else postgres
    return described(file, database.dialect, kind.make(database, file))


def look(file: Path) -> Copy:
    """What a backup is, after a check that it is whole.

    Raises:
        Unusable: it is no backup, or it is damaged.
    """
    kind = kind_of(file)
    return described(file, kind, (sqlite if kind == "sqlite" else postgres).check(file))


def restore(database: Database, copy: Copy, prepare: Prepare) -> None:
    """Put the copy in the place of what the database holds, at this release's schema: all of it, or nothing.

    prepare: what is done with the restored database before anybody sees it; it may refuse by raising.
    """
    if copy.kind != database.dialect:
        raise Unusable(
            f"{copy.file} is a backup of {copy.kind}, the database is {database.dialect}; set MONITOR_DATABASE_URL "
            f"to a {copy.kind} database"
        )
    (sqlite if copy.kind == "sqlite" else postgres).restore(database, copy.file, prepare)
