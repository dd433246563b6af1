"""What only a server can show: types, snapshots and roles of PostgreSQL."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from feeds import POSTGRES, require

from monitor.domain.errors import SourceRefused, SourceUnavailable
from monitor.domain.monitor import SqlSource
from monitor.sources.sql import Sql, connection
from monitor.sources.sql.connection import only_read, open_engine


@pytest.fixture
def table() -> Iterator[str]:
    require("postgresql")
    name = f"tx_{uuid.uuid4().hex[:12]}"
    do(f"CREATE TABLE {name} (id bigint, at timestamptz, day date, amount numeric, ref uuid, doc jsonb)")
    do(f"INSERT INTO {name} SELECT n, timestamptz '2026-01-01' + n / 4 * interval '1 day', date '2026-01-01' + n, "
       f"n + 0.25, md5(n::text)::uuid, '{{\"n\": 1}}' FROM generate_series(0, 11) n")  # fmt: skip
    yield name
    do(f"DROP TABLE {name}")


def do(statement: str) -> None:
    engine = sa.create_engine(POSTGRES, poolclass=sa.NullPool)
    with engine.begin() as open_connection:
        open_connection.exec_driver_sql(statement)


def source(table: str, *cursor: str, query: str = "") -> Sql:
    return Sql(
        SqlSource(kind="sql", url=POSTGRES, query=query or f"SELECT * FROM {table}", cursor=list(cursor))
    )


@pytest.mark.parametrize(
    "cursor", [("at",), ("at", "id"), ("day",), ("amount",), ("ref",), ("id",), ("day", "ref")]
)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_any_ordered_type_can_page(table: str, cursor: tuple[str, ...], limit: int) -> None:
    sql, place, ids = source(table, *cursor), {}, []
    for _ in range(50):
        batch = sql.read(place, limit)
        ids += batch.readings["id"].tolist()
        place = batch.cursor
        if not batch.more:
            break
    assert sorted(ids) == list(range(12))


@pytest.mark.parametrize("column", ["at", "day"])
def test_rows_that_appear_late_are_read_once(table: str, column: str) -> None:
    sql = Sql(
        SqlSource(kind="sql", url=POSTGRES, query=f"SELECT * FROM {table}", cursor=[column]),
        late=timedelta(days=2),
    )
    cursor = sql.read({}, 50).cursor
    do(f"INSERT INTO {table} SELECT 50, at - interval '1 day', day - 1 FROM {table} WHERE id = 11")
    late = sql.read(json.loads(json.dumps(cursor)), 50)
    assert (late.readings["id"].tolist(), sql.read(late.cursor, 50).pulled) == ([50], 0)


def test_infinity_spoils_its_own_row_alone(table: str) -> None:
    do(f"INSERT INTO {table} VALUES (99, 'infinity', 'infinity', 1), (98, '-infinity', '12026-01-01', 'NaN')")
    batch = source(table, "id").read({})
    assert len(batch.readings) == 14
    batch = source(table, "at").read({})
    assert (len(batch.rejected), set(range(12)) <= set(batch.readings["id"])) == (1, True)


def test_documents_arrive_as_json_text(table: str) -> None:
    assert source(table, "id").read({}).readings["doc"][0] == '{"n": 1}'


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DROP TABLE {}", "INSERT INTO {} VALUES (1)"])
def test_a_connection_can_only_read_whatever_it_is_told(table: str, statement: str) -> None:
    engine = open_engine(POSTGRES)
    with engine.connect() as opened:
        only_read(opened)
        with pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
            opened.exec_driver_sql(statement.format(table))
    engine.dispose()


def test_columns_named_twice_are_refused(table: str) -> None:
    with pytest.raises(SourceRefused, match="id more than once"):
        source(table, "at", query=f"SELECT id, at, id FROM {table}").read({})


def test_a_cursor_column_that_is_not_there_is_refused(table: str) -> None:
    with pytest.raises(SourceRefused, match="nosuch does not exist"):
        source(table, "nosuch").read({})


def test_a_query_that_takes_too_long_is_given_up_for_now(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUERY_SECONDS", 0.05)
    with pytest.raises(SourceUnavailable, match="timeout"):
        source(table, "id", query="SELECT 1 AS id FROM pg_sleep(5)").read({})


def test_an_unknown_role_is_refused_and_a_closed_port_may_open(table: str) -> None:
    url = sa.make_url(POSTGRES)
    for changed, error in ((url.set(username="nobody", password="hunter2"), SourceRefused),
                           (url.set(port=1, password="hunter2"), SourceUnavailable)):  # fmt: skip
        config = SqlSource(kind="sql", url=changed.render_as_string(hide_password=False), query="SELECT 1 AS id",
                           cursor=["id"])  # fmt: skip
        with pytest.raises(error) as caught:
            Sql(config).read({})
        assert "hunter2" not in str(caught.value)
