"""Places that rows can be put into, one a kind of source, so that one suite can speak to all of them."""

import csv
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.domain.monitor import FilesSource, SqlSource
from monitor.sources import Batch, Source, open_source

POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")
Row = tuple[int, int, str]  # number (unique), moment (shared by some), words


class Feed(Protocol):
    source: Source

    def put(self, rows: list[Row]) -> None: ...


class CsvFeed:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "rows.csv"
        self.path.write_text("number,moment,words\n")
        self.source = open_source(FilesSource(kind="files", path=str(self.path)))

    def put(self, rows: list[Row]) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)


class ParquetFeed:
    """Every put is one more file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.source = open_source(FilesSource(kind="files", path=str(folder / "*.parquet")))

    def put(self, rows: list[Row]) -> None:
        self.count += 1
        frame = pd.DataFrame(rows, columns=["number", "moment", "words"])
        frame.astype({"words": "str"}).to_parquet(self.folder / f"{self.count:04}.parquet", row_group_size=3)


class SqliteFeed:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "rows.db"
        with closing(sqlite3.connect(self.path)) as database:
            database.execute("CREATE TABLE feed (number INTEGER, moment INTEGER, words TEXT)")
        self.source = open_source(
            SqlSource(kind="sql", url=f"sqlite:///{self.path}", query="SELECT * FROM feed", cursor=["moment"])
        )

    def put(self, rows: list[Row]) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executemany("INSERT INTO feed VALUES (?, ?, ?)", rows)


class PostgresFeed:
    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.table = engine, f"feed_{uuid.uuid4().hex[:12]}"
        self._do(f"CREATE TABLE {self.table} (number bigint, moment bigint, words text)")
        config = SqlSource(kind="sql", url=POSTGRES, query=f"SELECT * FROM {self.table}", cursor=["moment"])
        self.source = open_source(config)

    def put(self, rows: list[Row]) -> None:
        with self.engine.begin() as connection:
            for row in rows:
                connection.exec_driver_sql(f"INSERT INTO {self.table} VALUES (%s, %s, %s)", row)

    def drop(self) -> None:
        self._do(f"DROP TABLE {self.table}")

    def _do(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)


KINDS = {"csv": CsvFeed, "parquet": ParquetFeed, "sqlite": SqliteFeed}
OF = {"files": ["csv", "parquet"], "sql": ["sqlite", "postgresql"]}
LEFT_OUT = {
    "host": "nothing can be put into a machine's counters; tests/sources/test_host_source.py has its rules"
}


@contextmanager
def feed(kind: str, folder: Path) -> Iterator[Feed]:
    """A new, empty place of this kind."""
    if kind != "postgresql":
        inside = folder / uuid.uuid4().hex
        inside.mkdir()
        yield KINDS[kind](inside)
        return
    engine = sa.create_engine(POSTGRES, poolclass=sa.NullPool)
    made = PostgresFeed(engine)
    try:
        yield made
    finally:
        made.drop()


def require(kind: str) -> None:
    """Skip with the reason where this kind's server does not answer, or fail where all are required."""
    if kind != "postgresql":
        return
    try:
        with sa.create_engine(POSTGRES, poolclass=sa.NullPool).connect():
            pass
    except sa.exc.OperationalError as fault:
        reason = f"no PostgreSQL at {sa.make_url(POSTGRES).render_as_string()}: {fault.orig}"
        if os.environ.get("MONITOR_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def drain(source: Source, cursor: dict[str, Any], limit: int) -> tuple[list[Batch], dict[str, Any]]:
    """Read until there is no more, the cursor kept as the database keeps it: as JSON."""
    batches: list[Batch] = []
    while True:
        batch = source.read(json.loads(json.dumps(cursor)), limit)
        batches.append(batch)
        cursor = batch.cursor
        assert len(batches) < 1000, "the source never comes to an end"
        if not batch.more:
            return batches, cursor


def rows_of(batches: list[Batch]) -> list[Row]:
    return [
        (int(n), int(m), str(w))
        for b in batches
        if len(b.readings)
        for n, m, w in b.readings[["number", "moment", "words"]].itertuples(index=False)
    ]
