"""Who stays with a database: a restore needs it alone, since pages and workers remember numbers of its rows."""

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import sqlalchemy as sa
import structlog

from monitor.domain.errors import Conflict
from monitor.storage import schema
from monitor.storage.database import Database, reason

log = structlog.get_logger()
LOCK = schema.LOCK + 1  # PostgreSQL's advisory lock; each database has its own
AGAIN = 10.0  # seconds between two looks whether a server still knows that this process is here
SILENT = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}  # a host without power


class InUse(Conflict):
    """Somebody stays with the database."""


@contextmanager
def staying(database: Database) -> Iterator[None]:
    """Around all that a process does which does not end by itself; one that comes during a restore waits for its end.

    The lock is the operating system's, or the server's: it ends with the process, however that ends.
    """
    if database.dialect == "sqlite":
        with _opened(database) as number:
            fcntl.flock(number, fcntl.LOCK_SH)
            yield
        return
    stop = threading.Event()
    first = _shared(database)
    watch = threading.Thread(target=_stay, args=(database, first, stop), name="presence", daemon=True)
    watch.start()
    try:
        yield
    finally:
        stop.set()
        watch.join(AGAIN)


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Around a restore.

    Raises:
        InUse: a scheduler, a worker or a dashboard stays with the database.
    """
    if database.dialect == "sqlite":
        with _opened(database) as number:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse(_words(_with_open(_file(database)))) from None
            yield
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
            raise InUse(_words(_sessions(connection)))
        try:
            yield
        finally:
            connection.invalidate()  # and the lock with it, whatever became of the connection meanwhile


def _words(who: list[str]) -> str:
    names = f" ({', '.join(who)})" if who else ""
    return (
        f"nothing was restored: a scheduler, a worker or a dashboard uses this database{names}; stop `monitor up`, "
        "`monitor run` and `monitor dashboard` first"
    )


def _file(database: Database) -> Path:
    file = Path(database.url.database or "").resolve()
    return file.with_name(f"{file.name}.lock")


@contextmanager
def _opened(database: Database) -> Iterator[int]:
    """A file of its own: on some systems a lock on the database's would meet SQLite's."""
    path = _file(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        yield number
    finally:
        os.close(number)


def _with_open(file: Path) -> list[str]:
    """Processes of this host that have it open, as far as one may see them."""
    found = []
    for process in psutil.process_iter():
        try:
            there = any(each.path == str(file) for each in process.open_files())
        except (psutil.Error, OSError):
            continue
        if there and process.pid != os.getpid():
            found.append(f"process {process.pid}")
    return found


def _shared(database: Database) -> sa.Connection:
    """A connection of its own that holds the lock for as long as it lives."""
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    try:
        for name, value in {
            "application_name": f"monitor {socket.gethostname()}:{os.getpid()}",
            **SILENT,
        }.items():
            connection.execute(sa.select(sa.func.set_config(name, str(value), False)))
        connection.execute(sa.text("SET lock_timeout = 0"))  # a restore takes as long as it takes
        connection.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK)))
    except BaseException:
        connection.close()
        raise
    return connection


def _stay(database: Database, first: sa.Connection, stop: threading.Event) -> None:
    """A server that was started anew has forgotten who was here."""
    connection: sa.Connection | None = first
    while not stop.wait(AGAIN):
        try:
            connection = connection or _shared(database)
            connection.execute(sa.select(1))
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as fault:
            log.info("the database may not know that this process is here", reason=reason(fault))
            if connection is not None:
                connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _sessions(connection: sa.Connection) -> list[str]:
    rows = connection.execute(
        sa.text(
            "SELECT DISTINCT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objid = :lock AND a.datname = current_database() "
            "ORDER BY 1"
        ),
        {"lock": LOCK},
    )
    return [name.removeprefix("monitor ") for (name,) in rows if name]
