"""Connections that can only read, and what their errors mean."""

import sqlite3
import time
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from sqlalchemy.pool import NullPool

from monitor.domain.errors import MonitorError, SourceRefused, SourceUnavailable
from monitor.egress import redact

CONNECT_SECONDS, QUERY_SECONDS = 10, 120
MYSQL = ("mysql", "mariadb")
PASSING_STATES = (
    "08",
    "40",
    "53",
    "55",
    "57",
    "58",
    "70",
)  # SQLSTATE classes: connection, conflict, resources, operator, interruption
PASSING_WORDS = ("locked", "busy", "unable to open", "disk i/o", "interrupted")  # where there is no SQLSTATE
LASTING_WORDS = (  # while connecting
    "authentication failed", "does not exist", "no pg_hba", "not permitted", "access denied", "unknown database",
)  # fmt: skip
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
           sqlite3.SQLITE_TRANSACTION}  # fmt: skip


def open_engine(address: str) -> sa.Engine:
    """An engine without a pool; SourceRefused for an address that names no database we can reach."""
    try:
        url = sa.make_url(address)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite":
            return _sqlite(url)
        timeout = {"connect_timeout": CONNECT_SECONDS} if url.get_driver_name() == "psycopg" else {}
        return sa.create_engine(url, poolclass=NullPool, connect_args=timeout, hide_parameters=True)
    except sa.exc.NoSuchModuleError as fault:
        raise SourceRefused(
            f"no database of this kind is known: {fault}; such as postgresql:// or sqlite:///"
        ) from None
    except ImportError as fault:
        raise SourceRefused(
            f"the driver {fault.name!r} is not installed; install it beside the product"
        ) from None
    except (sa.exc.ArgumentError, ValueError):
        raise SourceRefused(
            "the source's url is no SQLAlchemy URL; such as postgresql://user@host/database"
        ) from None


def _sqlite(url: sa.URL) -> sa.Engine:
    path = url.database or ""
    if path in {"", ":memory:"} or path.startswith("file:"):
        raise SourceRefused(
            f"got the SQLite database {path!r}; expected a file, as in sqlite:///folder/file.db"
        )

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=CONNECT_SECONDS)
        connection.execute("PRAGMA query_only = on")
        connection.text_factory = lambda raw: raw.decode(
            "utf-8", "surrogateescape"
        )  # one bad cell stops no page
        deadline = time.monotonic() + QUERY_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)


def only_read(connection: sa.Connection) -> None:
    """One snapshot that nothing can be written through, with a limit on time."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY
        )
    for statement in _read_only(connection.dialect):
        connection.exec_driver_sql(statement)
    if isinstance(driver, psycopg.Connection):
        for name, loader in (("date", _Date), ("timestamp", _Timestamp), ("timestamptz", _Timestamptz)):
            driver.adapters.register_loader(name, loader)


def _read_only(dialect: sa.Dialect) -> list[str]:
    """What the kind of database is told first; one that knows no read-only transaction is told nothing."""
    if dialect.name == "postgresql":
        return [
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"SET LOCAL statement_timeout = {int(QUERY_SECONDS * 1000)}",
        ]
    if dialect.name in MYSQL:
        ours = getattr(dialect, "is_mariadb", False)
        limit = (
            f"max_statement_time = {QUERY_SECONDS}"
            if ours
            else f"max_execution_time = {int(QUERY_SECONDS * 1000)}"
        )
        return [
            f"SET SESSION {limit}",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION TRANSACTION READ ONLY",  # for whatever transaction is begun after this one, too
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ]
    return ["SET TRANSACTION READ ONLY"] if dialect.name == "oracle" else []


def meaning(fault: sa.exc.DBAPIError, secrets: list[str]) -> MonitorError:
    """What a person can do about it, in one line, without the password."""
    words = str(fault.orig).strip().splitlines()[0] if str(fault.orig).strip() else type(fault.orig).__name__
    message = redact(words, secrets)
    return (SourceUnavailable if _passes(fault) else SourceRefused)(f"the database answers: {message}")


def _passes(fault: sa.exc.DBAPIError) -> bool:
    words = str(fault.orig).lower()
    state = getattr(fault.orig, "sqlstate", None)
    if state and not str(state).startswith("HY"):  # MySQL's word for anything
        return str(state).startswith(PASSING_STATES)
    if any(w in words for w in PASSING_WORDS):
        return True
    if isinstance(fault.orig, sqlite3.Error):
        return False
    if isinstance(fault, sa.exc.OperationalError | sa.exc.InterfaceError):
        return not any(w in words for w in LASTING_WORDS)
    return False


class _Date(DateLoader):
    """PostgreSQL's 'infinity' and years beyond 9999 stay text, so that they spoil their own row alone."""

    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamp(TimestampLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


def _or_text(load: Any, data: Any) -> Any:
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode()
