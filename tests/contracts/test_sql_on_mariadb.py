"""A database of another kind, whose driver is not part of the product: it is read, and nothing else."""

import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from monitor.domain.errors import SourceRefused, SourceUnavailable
from monitor.domain.monitor import SqlSource
from monitor.sources.sql import Sql, connection
from monitor.sources.sql.connection import only_read, open_engine

pytest.importorskip("pymysql", reason="the driver pymysql is not installed")
MARIADB = os.environ.get("MONITOR_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test")


@pytest.fixture
def table() -> Iterator[str]:
    name = f"tx_{uuid.uuid4().hex[:12]}"
    try:
        do(f"CREATE TABLE {name} (id bigint, at datetime(6), amount decimal(10, 2)) ENGINE=InnoDB")
    except sa.exc.OperationalError as fault:
        pytest.skip(f"no MariaDB at {MARIADB}: {fault.orig}")
    do(*[f"INSERT INTO {name} VALUES ({n}, '2026-01-01 00:00:{n // 3:02}', {n}.25)" for n in range(12)])
    yield name
    do(f"DROP TABLE {name}")


def do(*statements: str) -> None:
    engine = sa.create_engine(MARIADB, poolclass=sa.NullPool)
    with engine.begin() as opened:
        for statement in statements:
            opened.exec_driver_sql(statement)


def source(query: str, *cursor: str) -> Sql:
    return Sql(SqlSource(kind="sql", url=MARIADB, query=query, cursor=list(cursor)))


@pytest.mark.parametrize("limit", [1, 5, 50])
def test_each_row_is_read_once(table: str, limit: int) -> None:
    sql, place, ids = source(f"SELECT * FROM {table}", "at"), {}, []
    for _ in range(50):
        batch = sql.read(place, limit)
        ids += batch.readings["id"].tolist()
        place = batch.cursor
        if not batch.more:
            break
    assert sorted(ids) == list(range(12))


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "UPDATE {} SET id = 0", "INSERT INTO {} (id) VALUES (1)", "DROP TABLE {}", "TRUNCATE {}",
     "CREATE TABLE {}_2 (id int)"],
)  # fmt: skip
def test_a_connection_can_only_read_whatever_it_is_told(table: str, statement: str) -> None:
    engine = open_engine(MARIADB)
    with engine.connect() as opened:
        only_read(opened)
        with pytest.raises(sa.exc.DBAPIError, match="READ ONLY transaction"):
            opened.exec_driver_sql(statement.format(table))
        opened.rollback()  # and the next transaction is no other
        with pytest.raises(sa.exc.DBAPIError, match="READ ONLY transaction"):
            opened.exec_driver_sql(f"DELETE FROM {table}")
    engine.dispose()


def test_one_read_is_one_snapshot(table: str) -> None:
    engine = open_engine(MARIADB)
    with engine.connect() as opened:
        only_read(opened)
        do(f"DELETE FROM {table}")
        assert opened.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 12
    engine.dispose()


def test_a_query_that_takes_too_long_is_given_up_for_now(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUERY_SECONDS", 0.05)
    with pytest.raises(SourceUnavailable, match="max_statement_time"):
        source(f"SELECT id + sleep(1) AS id FROM {table}", "id").read({})


def test_a_wrong_password_is_refused_and_not_shown() -> None:
    url = (
        sa.make_url(MARIADB).set(username="nobody", password="hunter2").render_as_string(hide_password=False)
    )
    with pytest.raises(SourceRefused, match="denied") as caught:
        Sql(SqlSource(kind="sql", url=url, query="SELECT 1 AS id", cursor=["id"])).read({})
    assert "hunter2" not in str(caught.value)
