"""A person's query, paged by keyset: nothing lost at a page's edge, nothing written, no secret shown."""

import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.errors import MonitorError, SourceRefused, SourceUnavailable
from monitor.domain.monitor import SqlSource
from monitor.sources.base import Batch
from monitor.sources.sql import Sql
from monitor.sources.sql.connection import only_read, open_engine
from monitor.sources.sql.statement import one_select, unambiguous
from monitor.sources.sql.values import read, write


def do(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "tx.db"
    do(where, "CREATE TABLE tx (id INTEGER, at, note TEXT)")
    return where


def source(path: Path, query: str = "SELECT * FROM tx", cursor: tuple[str, ...] = ("at",)) -> Sql:
    return Sql(SqlSource(kind="sql", url=f"sqlite:///{path}", query=query, cursor=list(cursor)))


def drain(sql: Sql, cursor: dict[str, Any], limit: int = 50) -> tuple[list[Batch], dict[str, Any]]:
    batches = [sql.read(cursor, limit)]
    while batches[-1].more:
        batches.append(sql.read(batches[-1].cursor, limit))
        assert len(batches) < 500
    return batches, batches[-1].cursor


def ids(batches: list[Batch]) -> list[int]:
    return [int(i) for b in batches for i in b.readings["id"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_a_group_of_equal_cursor_values_larger_than_a_page_makes_progress(path: Path, limit: int) -> None:
    do(path, *[f"INSERT INTO tx VALUES ({n}, 1, 'x')" for n in range(20)])
    batches, _ = drain(source(path), {}, limit)
    assert sorted(ids(batches)) == list(range(20))


def test_a_row_that_arrives_later_with_the_last_value_is_read(path: Path) -> None:
    do(path, "INSERT INTO tx VALUES (1, 5, 'x')")
    _, cursor = drain(source(path), {})
    do(path, "INSERT INTO tx VALUES (2, 5, 'y')")
    assert ids(drain(source(path), cursor)[0]) == [2]


def test_a_row_that_was_deleted_does_not_hide_another(path: Path) -> None:
    do(path, "INSERT INTO tx VALUES (1, 5, 'x')", "INSERT INTO tx VALUES (2, 5, 'x')")
    _, cursor = drain(source(path), {})
    do(path, "DELETE FROM tx WHERE id = 1", "INSERT INTO tx VALUES (3, 5, 'x')")
    assert ids(drain(source(path), cursor, 1)[0]) == [3]


minutes = st.lists(st.integers(0, 9), max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(minutes, min_size=1, max_size=4), st.integers(1, 5), st.sampled_from([("at",), ("at", "id")]))
def test_rows_that_appear_late_are_read_once(
    pulls: list[list[int]], limit: int, columns: tuple[str, ...]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, count, cursor, found = Path(folder) / "tx.db", 0, dict[str, Any](), list[int]()
        do(path, "CREATE TABLE tx (id INTEGER, at TEXT)")
        config = SqlSource(
            kind="sql", url=f"sqlite:///{path}", query="SELECT * FROM tx", cursor=list(columns)
        )
        for moments in pulls:
            do(
                path,
                *[
                    f"INSERT INTO tx VALUES ({count + n}, '2026-01-01 00:0{m}:00')"
                    for n, m in enumerate(moments)
                ],
            )
            count += len(moments)
            batches, cursor = drain(Sql(config, late=timedelta(minutes=9)), cursor, limit)
            found += ids(batches)
    assert sorted(found) == list(range(count))


def test_what_is_remembered_of_the_late_stretch_moves_on(path: Path) -> None:
    do(
        path,
        *[f"INSERT INTO tx VALUES ({n}, '2026-01-01T{n // 60:02}:{n % 60:02}:00', 'x')" for n in range(600)],
    )
    sql = Sql(
        SqlSource(kind="sql", url=f"sqlite:///{path}", query="SELECT * FROM tx", cursor=["at"]),
        late=timedelta(minutes=10),
    )
    _, cursor = drain(sql, {}, 50)
    assert (cursor["floor"], len(cursor["seen"])) == (["str", "2026-01-01T09:49:00"], 11)


def test_several_cursor_columns_order_like_words(path: Path) -> None:
    do(path, *[f"INSERT INTO tx VALUES ({n % 3}, {n // 3}, 'x')" for n in range(12)])
    batches, _ = drain(source(path, cursor=("at", "id")), {}, 2)
    assert ids(batches) == [0, 1, 2] * 4


@pytest.mark.parametrize("value", ["NULL", "'9999-12-31 23:59:59'", "'infinity'"])
def test_a_row_without_a_usable_cursor_value_is_rejected_once_and_blocks_nothing(
    path: Path, value: str
) -> None:
    do(path, "INSERT INTO tx VALUES (1, '2026-01-01', 'x')", f"INSERT INTO tx VALUES (2, {value}, 'x')")
    first, cursor = drain(source(path), {}, 1)
    do(path, "INSERT INTO tx VALUES (3, '2026-01-02', 'x')")
    second, _ = drain(source(path), cursor, 1)
    assert (ids(first), ids(second)) == ([1], [3])
    assert [len(b.rejected) for b in first + second].count(1) == 1
    assert "no usable value in at" in next(b.rejected["reason"][0] for b in first if len(b.rejected))


def test_many_rows_without_a_cursor_value_are_each_rejected_once(path: Path) -> None:
    do(path, *[f"INSERT INTO tx VALUES ({n}, NULL, 'x')" for n in range(30)])
    batches, cursor = drain(source(path), {}, 4)
    origins = [o for b in batches for o in b.rejected["origin"]]
    assert (len(origins), len(set(origins)), source(path).read(cursor).pulled) == (30, 30, 0)


def test_whole_numbers_stay_exact_beside_null(path: Path) -> None:
    do(path, "INSERT INTO tx VALUES (9007199254740993, 1, 'x')", "INSERT INTO tx VALUES (NULL, 2, 'x')")
    assert source(path).read({}).readings["id"][0] == 9007199254740993


def test_bytes_that_are_no_text_spoil_no_page(path: Path) -> None:
    do(path, "INSERT INTO tx VALUES (1, 1, CAST(x'ff41' AS TEXT))", "INSERT INTO tx VALUES (2, 2, 'fine')")
    assert ids([source(path).read({})]) == [1, 2]


@pytest.mark.parametrize("query", ["SELECT * FROM tx;", "SELECT * FROM tx -- all", "/* all */ SELECT * FROM tx",
                                   "SELECT id, at, '12:30 :x 100% \\' AS note FROM tx WHERE note LIKE '%x%' OR 1",
                                   "WITH a AS (SELECT * FROM tx) SELECT * FROM a"])  # fmt: skip
def test_a_select_may_be_written_as_people_write_it(path: Path, query: str) -> None:
    do(path, "INSERT INTO tx VALUES (1, 1, 'x')")
    assert ids([source(path, query).read({})]) == [1]


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM tx", "SELECT 1; DROP TABLE tx", "PRAGMA query_only = off", "ATTACH 'x' AS y", "", "SELECT 'open",
     "SELECT 1) UNION SELECT * FROM (SELECT 1", "SELECT (1", "WITH a AS (DELETE FROM tx RETURNING *) SELECT * FROM a",
     "WITH a AS (SELECT 1) DELETE FROM tx", "EXPLAIN SELECT 1"],
)  # fmt: skip
def test_anything_but_one_select_is_refused(query: str) -> None:
    with pytest.raises(SourceRefused, match="expected one SELECT"):
        one_select(query)


@pytest.mark.parametrize(
    "query",
    ["SELECT '\\'' ; DROP TABLE tx -- '", "SELECT 1 /*!) AS x; DROP TABLE tx */", "SELECT 1 /*M! UNION SELECT 2 */",
     "SELECT 1--1; DROP TABLE tx", "SELECT 1 # '", "SELECT 1 INTO OUTFILE 'x'", "SELECT load_file('/etc/passwd')"],
)  # fmt: skip
def test_what_mysql_would_read_otherwise_is_refused(query: str) -> None:
    with pytest.raises(SourceRefused, match="expected one"):
        unambiguous(query)


@pytest.mark.parametrize(
    "query", ["SELECT * FROM tx -- all", "SELECT 'it''s', `a b` /* # */ FROM tx", "SELECT 1 -\n- 1"]
)
def test_what_mysql_reads_alike_may_be_written(query: str) -> None:
    unambiguous(query)


@pytest.mark.parametrize("query", ["SELECT load_extension('x') AS at", "SELECT writefile('x', 'y') AS at"])
def test_functions_that_reach_outside_are_refused(path: Path, query: str) -> None:
    with pytest.raises(SourceRefused):
        source(path, query).read({})


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO tx VALUES (1, 1, 'x')", "DROP TABLE tx", "PRAGMA query_only = off", "ATTACH ':memory:' AS y",
     "CREATE TEMP TABLE y (x)"],
)  # fmt: skip
def test_a_connection_can_only_read_whatever_it_is_told(path: Path, statement: str) -> None:
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        only_read(connection)
        with pytest.raises(sa.exc.DBAPIError, match=r"not authorized|readonly"):
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM nosuch", "no such table"),
        ("SELECT id FROM tx", "no such column"),
        ("SELEC", "expected one SELECT"),
    ],
)
def test_a_wrong_query_is_refused_in_one_line(path: Path, query: str, words: str) -> None:
    with pytest.raises(SourceRefused, match=words) as caught:
        source(path, query).read({})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("sqlite:////nowhere/at/all.db", SourceUnavailable),
        ("sqlite://", SourceRefused),
        ("postgresql://ana:hunter2@127.0.0.1:1/x", SourceUnavailable),
        ("mysql://ana:hunter2@127.0.0.1/x", SourceRefused),
        ("nosuch://ana:hunter2@127.0.0.1/x", SourceRefused),
        ("ana hunter2", SourceRefused),
        ("${SOURCE_URL_THAT_IS_NOT_SET}", SourceRefused),
    ],
)
def test_an_unreachable_source_says_so_and_keeps_the_password(url: str, error: type[MonitorError]) -> None:
    with pytest.raises(error) as caught:
        Sql(SqlSource(kind="sql", url=url, query="SELECT 1 AS at", cursor=["at"])).read({})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or "hunter2" not in str(caught.value.__context__)


def test_the_address_is_read_from_the_environment_when_it_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(path, "INSERT INTO tx VALUES (1, 1, 'x')")
    sql = Sql(SqlSource(kind="sql", url="${TX_URL}", query="SELECT * FROM tx", cursor=["at"]))
    with pytest.raises(SourceRefused, match="TX_URL is not set"):
        sql.read({})
    monkeypatch.setenv("TX_URL", f"sqlite:///{path}")
    assert sql.read({}).pulled == 1


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(SourceRefused, match="not a database"):
        source(tmp_path / "x.db").read({})


def test_a_cursor_column_of_documents_is_refused(path: Path) -> None:
    with pytest.raises(SourceRefused, match="holds dict; expected"):
        write("at", {})


cursor_values = st.one_of(
    st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False), st.decimals(allow_nan=False), st.uuids(),
    st.binary(), st.dates(), st.times(), st.datetimes(), st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip


@given(cursor_values)
def test_a_cursor_value_is_restored_exactly(value: Any) -> None:
    restored = read(write("c", value))
    assert (type(restored), restored) == (type(value), value)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.50"),
        datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=UTC),
        date(2026, 1, 1),
        UUID(int=7),
        b"\x00\xff",
    ],
)
def test_a_cursor_value_keeps_its_spelling(value: Any) -> None:
    assert repr(read(write("c", value))) == repr(value)
