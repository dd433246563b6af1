"""One door to SQLite and PostgreSQL: how connections are made and transactions begin."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import DatabaseDamaged, MonitorError

# for callers, who do not import SQLAlchemy: what may pass by itself, and all that a database may complain of
OperationalFault = (
    sa.exc.OperationalError,
    sa.exc.TimeoutError,
)  # the latter: no connection became free in time
DatabaseFault = (sa.exc.DatabaseError, sa.exc.TimeoutError)
__all__ = ["Database", "Session"]  # the layers above take the session's type from here

IDLE_SECONDS = 120.0  # that a transaction on a server may rest between two statements
BUSY_SECONDS = (
    60.0  # of waiting for another's lock; above the longest batch that any job writes in one transaction
)


CONNECTIONS = 10  # that one process may have at once


class UnusableAddress(MonitorError):
    """The database's address is none, or of a kind that is not supported."""


class Database:
    """Opens short sessions; ``write`` takes SQLite's write lock at once, so that no batch fails half way.

    >>> database = Database("sqlite://")
    >>> with database.read() as session:
    ...     session.execute(sa.text("select 1")).scalar_one()
    1
    """

    def __init__(self, url: str) -> None:
        self.url = _address(url)
        self.dialect = self.url.get_backend_name()
        self.engine = _sqlite(self.url) if self.dialect == "sqlite" else _server(self.url)
        self.around: Callable[[], AbstractContextManager[None]] = (
            nullcontext  # each session: a worker's stop waits
        )
        self._writer = self.engine.execution_options(monitor_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; nothing is kept."""
        with self.around(), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """All of it is committed at the end, or none."""
        with self.around(), Session(self._writer) as session, session.begin():
            session.connection()
            yield session

    def close(self) -> None:
        self.engine.dispose()


class Joined(Database):
    """The database as one open transaction sees it; what is written here is kept with that, or not at all."""

    def __init__(self, connection: sa.Connection) -> None:
        self.url, self.dialect = connection.engine.url, connection.dialect.name
        self.engine, self.around = connection.engine, nullcontext
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._session() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._session() as session, session.begin():
            yield session

    def _session(self) -> Session:
        return Session(self._connection, join_transaction_mode="create_savepoint")


def reason(fault: sa.exc.SQLAlchemyError) -> str:
    """What the database said, without the statement it was about and without any cell of a row."""
    told = getattr(fault, "orig", None)
    if isinstance(fault, sa.exc.DataError):  # whose first line repeats the value
        return f"a value does not fit ({type(told).__name__})"
    return (str(told or fault).strip().splitlines() or [type(fault).__name__])[0]


def damage(fault: sa.exc.SQLAlchemyError) -> DatabaseDamaged | None:
    """A sentence for a database whose file is damaged; None for any other fault."""
    told = getattr(fault, "orig", None)
    if getattr(told, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
        return None
    return DatabaseDamaged(
        f"the database file is damaged ({told}); stop everything that uses it, keep the file, "
        "and go on with the last backup"
    )


def _address(text: str) -> sa.URL:
    """The address with its driver; one of another kind is refused without repeating what may hold a password."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql"):
        got = f"{url.drivername}://..." if url else "no address"
        raise UnusableAddress(
            f"MONITOR_DATABASE_URL: got {got}; expected sqlite:///file or postgresql://user@host/name"
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _sqlite(url: sa.URL) -> sa.Engine:
    pool: dict[str, Any] = {}
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        pool = {"pool_size": 5, "max_overflow": CONNECTIONS - 5, "pool_timeout": BUSY_SECONDS}
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True, **pool)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("monitor_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    @sa.event.listens_for(engine, "handle_error")
    def _failed(fault: sa.ExceptionContext) -> None:
        # what a handle believes after a failed write or sync need not be what is on the disk: it is not used again
        code = getattr(fault.original_exception, "sqlite_errorcode", 0)
        fault.is_disconnect = fault.is_disconnect or code & 0xFF == sqlite3.SQLITE_IOERR

    return engine


def _server(url: sa.URL) -> sa.Engine:
    pool: dict[str, Any] = {
        "pool_size": 2,
        "max_overflow": CONNECTIONS - 2,
        "pool_timeout": BUSY_SECONDS,
    }
    engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, **pool)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: psycopg.Connection[Any], _record: Any) -> None:
        # a worker that is stopped, or cut off, in the midst of a transaction would keep its locks for ever;
        # and for the locks of others a server waits without end, unless it is told
        limits = {"idle_in_transaction_session_timeout": IDLE_SECONDS, "lock_timeout": BUSY_SECONDS}
        for name, seconds in limits.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, f"{seconds * 1000:.0f}ms"))
        connection.commit()

    return engine
