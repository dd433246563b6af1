"""What all tests share: a migrated database of each kind, a context on it, and the real data where it is."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage import schema
from monitor.storage.database import Database

REQUIRED = os.environ.get("MONITOR_TEST_REQUIRE") == "1"
POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")


def absent(what: str) -> None:
    """Skip with the reason, or fail where everything is required."""
    if REQUIRED:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated database that each test's own is copied from."""
    name = f"monitor_test_{uuid.uuid4().hex[:12]}"
    admin = _admin()
    try:
        _do(admin, f"CREATE DATABASE {name}")
    except sa.exc.OperationalError as fault:
        absent(f"no PostgreSQL at {sa.make_url(POSTGRES).render_as_string()}: {fault.orig}")
    template = Database(_url(name))
    schema.upgrade(template)
    template.close()
    yield name
    _do(admin, f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database at the newest schema, once of each kind."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
        schema.upgrade(made)
        yield made
        made.close()
        return
    template, admin = request.getfixturevalue("postgres_template"), _admin()
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    _do(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    made = Database(_url(name))
    yield made
    made.close()
    _do(admin, f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


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


def _admin() -> sa.Engine:
    return sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)


def _do(engine: sa.Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _url(name: str) -> str:
    return sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
