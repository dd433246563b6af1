"""The schema's way up and down: Alembic on the migrations that are installed with the product."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations
from monitor.domain.errors import MonitorError
from monitor.storage.database import Database

LOCK = 4_710_002  # PostgreSQL's advisory lock, so that two upgrades at once are one after the other


def upgrade(database: Database, revision: str = "head") -> str:
    """Create or upgrade the schema in one transaction; returns the revision it is at then."""
    _apply(database, lambda config: command.upgrade(config, revision))
    return current(database) or ""


def downgrade(database: Database, revision: str = "-1") -> str | None:
    """Go back, one step unless told otherwise."""
    _apply(database, lambda config: command.downgrade(config, revision))
    return current(database)


def current(database: Database) -> str | None:
    """The revision the database is at; None where there is no schema yet."""
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
    config = _config()
    with database.write() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        config.attributes["connection"] = connection
        change(config)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def history() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]
