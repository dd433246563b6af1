"""An empty database at the newest schema, for whoever is no pytest fixture."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from monitor.app import open_context
from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage import schema

POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")


@contextmanager
def installation(kind: str) -> Iterator[Context]:
    """A context on a database of that kind, with a home of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, _address(kind, folder) as url:
        context = open_context(Settings(home=Path(folder), database_url=url, actor="chaos", log="error"))
        schema.upgrade(context.database)
        yield context
        context.close()


@contextmanager
def _address(kind: str, folder: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/monitor.db"
        return
    name = f"monitor_chaos_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()
