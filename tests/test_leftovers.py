import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import leftovers
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from monitor.storage.database import Database

OWN = f"monitor_test_left_{uuid.uuid4().hex[:8]}"  # no other session's databases are touched


@pytest.fixture
def admin(postgres: Database) -> Iterator[Callable[[], sa.Connection]]:
    """Opens connections to the server; what is left of this test's databases is dropped at the end."""
    opened: list[sa.Connection] = []
    engine = sa.create_engine(
        postgres.url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )

    def connect() -> sa.Connection:
        opened.append(engine.connect())
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
    with engine.connect() as connection:
        leftovers.drop(connection, OWN, timedelta(0))


def test_only_old_databases_that_nobody_needs_are_dropped(
    admin: Callable[[], sa.Connection], postgres: Database
) -> None:
    mine = admin()
    for name in ("dead", "living", "claimed"):
        mine.exec_driver_sql(f"CREATE DATABASE {OWN}_{name}")
    assert leftovers.drop(mine, OWN, timedelta(hours=1)) == []
    living = sa.create_engine(postgres.url.set(database=f"{OWN}_living"), poolclass=sa.NullPool)
    with living.connect():
        assert leftovers.claim(admin(), f"{OWN}_claimed")
        assert leftovers.drop(mine, OWN, timedelta(0)) == [f"{OWN}_dead"]
    with pytest.raises(OperationalError, match="does not exist"):
        sa.create_engine(postgres.url.set(database=f"{OWN}_dead"), poolclass=sa.NullPool).connect()
