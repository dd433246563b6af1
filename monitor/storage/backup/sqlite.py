"""SQLite: by its own backup interface, since a copy of the file lacks what is still in the write-ahead log."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from monitor.storage import schema
from monitor.storage.backup.copy import Prepare, Unusable, beside, settle
from monitor.storage.crash import fail_point
from monitor.storage.database import BUSY_SECONDS, Database

PIECE = 64  # pages that a restore copies between two looks at the clock


def make(database: Database, file: Path) -> str | None:
    """Copy in one step: a reader holds up no writer, and what is written meanwhile begins no second pass."""
    source = path_of(database)
    with beside(file) as part:
        with _told(source), closing(sqlite3.connect(source)) as read:
            _copy(read, part)
        revision = check(part)
        settle(part, file)
    return revision


def check(file: Path) -> str | None:
    """Read every page; returns the revision of the schema."""
    with _told(file), closing(sqlite3.connect(_address(file), uri=True)) as read:
        found = [row[0] for row in read.execute("PRAGMA integrity_check(3)")]
        found += [
            f"row of {table} refers to nothing" for table, *_ in read.execute("PRAGMA foreign_key_check")
        ]
        if found != ["ok"]:
            raise Unusable(f"{file} is damaged: {'; '.join(found[:3])}")
        held = "select 1 from sqlite_master where name = 'alembic_version'"
        row = (
            read.execute("select version_num from alembic_version").fetchone()
            if read.execute(held).fetchone()
            else None
        )
        return str(row[0]) if row else None


def restore(database: Database, file: Path, prepare: Prepare) -> None:
    """Bring the copy to this release's schema beside the database, then let SQLite take it over in one transaction.

    A database in use is never replaced as a file: its log would be read into the new one.
    """
    target = path_of(database, there=False)
    with beside(target) as part:
        with _told(file), closing(sqlite3.connect(_address(file), uri=True)) as read:
            _copy(read, part)
        _prepare(part, prepare)
        if usable(target):
            with (
                _told(target),
                closing(sqlite3.connect(part)) as read,
                closing(sqlite3.connect(target, timeout=BUSY_SECONDS)) as live,
            ):
                # in pieces, which are one transaction of the database that they go into
                read.backup(live, pages=PIECE, progress=_patience("restore.copying"))
        else:
            _aside(target)
            settle(
                part, target
            )  # in the place of what is damaged, so that one of both is there at any moment


def _prepare(part: Path, prepare: Prepare) -> None:
    staged = Database(f"sqlite:///{part}")
    try:
        schema.upgrade(staged)
        prepare(staged)
    finally:
        staged.close()
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").close()  # one file again, without a log beside it


def path_of(database: Database, there: bool = True) -> Path:
    file = database.url.database
    if not file or file == ":memory:":
        raise Unusable("a database in memory cannot be copied; set MONITOR_DATABASE_URL to a file")
    if there and not Path(file).exists():
        raise Unusable(f"{file} is not there; run `monitor init` first")
    return Path(file)


def _copy(read: sqlite3.Connection, part: Path) -> None:
    with closing(sqlite3.connect(part)) as written:
        read.backup(written, progress=_patience())
        written.execute("PRAGMA journal_mode=DELETE").close()  # the copy is one file


def _patience(point: str = "copy.copying") -> Callable[[int, int, int], None]:
    """SQLite's interface waits for a lock as long as it takes; this ends the wait."""
    until = time.monotonic() + BUSY_SECONDS

    def look(status: int, _left: int, _all: int) -> None:
        fail_point(point)
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > until:
            raise Unusable(f"the database was locked for {BUSY_SECONDS:.0f} s; stop what writes to it")

    return look


def _address(file: Path) -> str:
    return f"file:{quote(str(file))}?mode=ro"


def usable(target: Path) -> bool:
    """Whether there is a database that SQLite can write to; False for a damaged one too."""
    if not target.exists():
        return False
    try:
        check(target)
    except Unusable:
        return False
    return True


def _aside(target: Path) -> None:
    """A damaged database is kept under another name too; its log must not meet the restored file."""
    kept = f"{target.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for end in ("-wal", "-shm"):
        there = target.with_name(target.name + end)
        if there.exists():
            there.rename(target.with_name(kept + end))
    if target.exists() and not target.with_name(kept).exists():
        try:
            os.link(target, target.with_name(kept))
        except OSError:  # not every file system has hard links
            shutil.copyfile(target, target.with_name(kept))


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise Unusable(f"{file}: {fault}") from None
