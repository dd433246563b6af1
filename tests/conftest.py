"""What all tests share: a migrated database of each kind, a context on it, and the real data where it is."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import leftovers
import pytest
import sqlalchemy as sa
import structlog

from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage import schema
from monitor.storage.database import Database
from monitor.storage.tables import metadata

REQUIRED = os.environ.get("MONITOR_TEST_REQUIRE") == "1"
POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")
hypothesis.settings.register_profile("seeded", derandomize=True, deadline=None)
hypothesis.settings.load_profile("seeded")


def absent(what: str) -> None:
    """Skip with the reason, or fail where everything is required."""
    if REQUIRED:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A command logs to the stderr it found, which is a test's own and closed with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that each test's own is copied from."""
    path = tmp_path_factory.mktemp("template") / "monitor.db"
    template = Database(f"sqlite:///{path}")
    schema.upgrade(template)
    template.close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A migrated database of this process, emptied after each test: far quicker than one a test."""
    name = f"{leftovers.PREFIX}{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        admin = engine.connect()
    except sa.exc.OperationalError as fault:
        absent(f"no PostgreSQL at {sa.make_url(POSTGRES).render_as_string()}: {fault.orig}")
    leftovers.drop(admin)
    leftovers.claim(admin, name)
    admin.exec_driver_sql(f"CREATE DATABASE {name}")
    # no test pulls the plug of the server
    admin.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit TO off")
    made = Database(sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False))
    schema.upgrade(made)
    yield made
    made.close()
    admin.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database at the newest schema, once of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "monitor.db")
        made = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
        yield made
        made.close()
        return
    made = request.getfixturevalue("postgres")
    yield made
    made.close()
    _empty(made)


def _empty(made: Database) -> None:
    """End what a test left behind: other connections, rows, tables of monitors."""
    with made.engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        present = set(sa.inspect(connection).get_table_names())
        ours = set(metadata.tables)
        for name in sorted(present - ours - {"alembic_version"}):
            connection.exec_driver_sql(f'DROP TABLE "{name}"')
        if ours <= present:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(sorted(ours))} RESTART IDENTITY")
    schema.upgrade(made)


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    """A context on that database, with a home of its own."""
    url = database.url.render_as_string(hide_password=False)
    return Context(Settings(home=tmp_path / "home", database_url=url, actor="tester"), database)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data; it lies beside the checkout and is no part of it."""
    folder = Path(os.environ.get("MONITOR_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        absent(f"no real data at {folder}; set MONITOR_TEST_DATA")
    return folder
