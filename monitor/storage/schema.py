"""The schema's way up and down: Alembic on the migrations that are installed with the product."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations
from monitor.domain.errors import MonitorError
from monitor.domain.writing import counted
from monitor.storage.database import Database

LOCK = 4_710_002  # PostgreSQL's advisory lock, so that two upgrades at once are one after the other


def upgrade(database: Database, revision: str = "head") -> str:
    """Create or upgrade the schema in one transaction; returns the revision it is at then."""
    _apply(database, lambda config: command.upgrade(config, revision))
    return current(database) or ""


def upgrade_on(connection: sa.Connection) -> None:
    """Upgrade within the transaction of ``connection``."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def downgrade(database: Database, revision: str = "-1") -> str | None:
    """Go back, one step unless told otherwise."""
    _apply(database, lambda config: command.downgrade(config, revision))
    return current(database)


def current(database: Database) -> str | None:
    """The revision the database is at; None where there is no schema yet."""
    file = database.url.database if database.dialect == "sqlite" else None
    if file is not None and not Path(file).exists():
        return None  # a look makes no file
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def ready(database: Database) -> None:
    """
    Raises:
        MonitorError: the database is not at the schema this release works with, and what to do.
    """
    at = current(database)
    if at == head():
        return
    if at is None:
        raise MonitorError("the database has no schema yet; run `monitor init` first")
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if at in known:
        raise MonitorError(
            f"the database is at {at}, this release needs {head()}; back it up, then `monitor init`"
        )
    raise MonitorError(
        f"the database is at {at}, which this release does not know: it is older than the database"
    )


def _apply(database: Database, change: Callable[[Config], None]) -> None:
    """Run Alembic in one transaction that holds the database for itself."""
    config = _config()
    with _connection(database) as connection:
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        config.attributes["connection"] = connection
        change(config)
        if database.dialect == "sqlite":
            _references_hold(connection)


@contextmanager
def _connection(database: Database) -> Iterator[sa.Connection]:
    """A write transaction; SQLite rebuilds a table to alter it, which its foreign keys must not see as a deletion."""
    with database.engine.connect().execution_options(monitor_write=True) as connection:
        driver = connection.connection.driver_connection
        if database.dialect == "sqlite" and driver is not None:
            driver.execute("PRAGMA foreign_keys=OFF").close()  # has no effect once the transaction has begun
        try:
            with connection.begin():
                yield connection
        finally:
            if database.dialect == "sqlite" and driver is not None:
                driver.execute("PRAGMA foreign_keys=ON").close()


def _references_hold(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise MonitorError(
            f"{counted(len(broken), 'row')} would refer to nothing, the first in {broken[0][0]}; nothing changed"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def history() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]
