"""A place where one case happens: a database, a source, the command line, and what must hold afterwards."""

import contextlib
import io
import json
import math
import os
import traceback
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from monitor.cli import main

from .case import Case
from .products import Product
from .rows import Row, csv_bytes, into_postgres, into_sqlite, parquet_bytes

LONG_AGO = 1_700_000_000.0  # a file that nobody writes to any more


@dataclass(frozen=True)
class Said:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def shell(url: str, folder: Path, *words: str, **environment: str) -> Said:
    """A command in this process, as a person would type it in ``folder``."""
    out, err = io.StringIO(), io.StringIO()
    settings = {
        "MONITOR_DATABASE_URL": url,
        "MONITOR_HOME": str(folder),
        "MONITOR_ACTOR": "tester",
    } | environment
    with (
        mock.patch.dict(os.environ, settings), contextlib.chdir(folder),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):  # fmt: skip
        try:
            code = main(list(words))
        except BaseException:  # what the person would see as a traceback
            code = 70
            err.write(traceback.format_exc())
    return Said(code, out.getvalue(), err.getvalue())


@dataclass
class World:
    """One case on one database through one source; ``problems`` is what did not hold."""

    source: str
    url: str
    folder: Path
    tables_url: str
    engine: sa.Engine
    problems: list[str] = field(default_factory=list)
    puts: int = 0
    said: list[Said] = field(default_factory=list)
    _rows: dict[tuple[int, str], dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def monitor(self) -> str:
        return "table" if self.source in ("sqlite", "postgresql") else "files"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    def must(self, holds: bool, words: str) -> None:
        if not holds:
            self.problems.append(words)

    # what a person does

    def run(self, *words: str, code: int = 0, says: Sequence[str] = (), **environment: str) -> Said:
        """A command that has to end with this code and say these words."""
        where = {"CORPUS": str(self.inbox), "CORPUS_URL": self.tables_url} | environment
        done = shell(self.url, self.folder, *words, **where)
        self.said.append(done)
        self.must(
            done.code == code, f"{' '.join(words)}: exit {done.code}, expected {code}: {done.text[-1500:]}"
        )
        for word in says:
            self.must(word in done.text, f"{' '.join(words)}: does not say {word!r}: {done.text[:800]}")
        return done

    def pull(self, code: int = 0, says: Sequence[str] = ()) -> Said:
        return self.run("pull", self.monitor, code=code, says=says)

    def write(self, name: str, content: bytes | str, *, resting: bool = True) -> Path:
        """A file in the watched folder; ``resting``: as if it had been there for long."""
        path = self.inbox / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if resting:
            self.puts += 1
            os.utime(path, (LONG_AGO + self.puts, LONG_AGO + self.puts))
        return path

    def put(
        self, rows: list[Row], *, arrow: dict[str, Any] | None = None, sql: dict[str, str] | None = None
    ) -> None:
        """Rows into the source, whichever it is; each put is what came since the last."""
        self.puts += 1
        first = 1000 * self.puts
        if self.source == "csv":
            self.write(f"{self.puts:03}.csv", csv_bytes(rows))
        elif self.source == "parquet":
            self.write(f"{self.puts:03}.parquet", parquet_bytes(rows, arrow or {}))
        elif self.source == "sqlite":
            into_sqlite(self.folder / "feed.sqlite", rows, first)
        else:
            into_postgres(self.engine, "feed", rows, first, sql or {})

    def sql(self, *statements: str) -> None:
        """Statements on the watched database."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    # what is there afterwards

    @contextlib.contextmanager
    def _database(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def ask(self, statement: str) -> list[dict[str, Any]]:
        with self._database() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(statement))]

    def rows(self, monitor: str | None = None) -> dict[str, dict[str, Any]]:
        """source_key -> the present revision, typed as plain Python."""
        state = (len(self.said), monitor or self.monitor)  # only commands change what is stored
        if state not in self._rows:
            self._rows[state] = self._present(state[1])
        return self._rows[state]

    def _present(self, monitor: str) -> dict[str, dict[str, Any]]:
        name = f"readings_{monitor.replace('-', '_')}"
        with self._database() as connection:
            if not sa.inspect(connection).has_table(name):
                return {}
        found = self.ask(f"SELECT * FROM {name} WHERE superseded_at IS NULL ORDER BY reading_id")
        return {row["source_key"]: row for row in found}

    def quarantined(self) -> list[dict[str, Any]]:
        return self.ask("SELECT monitor_id, origin, raw, reason FROM quarantine ORDER BY quarantine_id")

    def state(self, monitor: str | None = None) -> dict[str, Any]:
        found = self.ask(f"SELECT * FROM monitors WHERE name = '{monitor or self.monitor}'")
        return found[0] if found else {}

    # what must hold whatever the case

    def check(self) -> list[str]:
        """What did not hold, of this case and of any."""
        for done in self.said:
            self.must("Traceback" not in done.text, f"a traceback: {done.text[-1500:]}")
            self.must("unexpected fault" not in done.text, f"a fault of ours: {done.text[-600:]}")
            self.must(_calm(done.text), f"drives the terminal: {done.text[:400]!r}")
            self.must(done.code == 0 or bool(done.text.strip()), f"exit {done.code} without a word")
        if not self.ask_tables():
            return self.problems
        for row in self.ask("SELECT * FROM monitors"):
            self._balance(row)
        for row in self.quarantined():
            self.must(len(row["reason"]) > 10, f"quarantined without a reason: {row}")
            self.must(bool(row["raw"].strip()), f"quarantined without its raw text: {row}")
        for score in self.ask("SELECT score, p_value FROM scores"):
            fine = (
                all(v is not None and math.isfinite(v) for v in score.values()) and 0 < score["p_value"] <= 1
            )
            self.must(fine, f"a score that is none: {score}")
        for run in self.ask("SELECT job, message FROM runs WHERE state = 'failed'"):
            self.must("unexpected fault" not in run["message"], f"a fault of ours: {run['message'][:600]}")
        return self.problems

    def ask_tables(self) -> bool:
        with self._database() as connection:
            return sa.inspect(connection).has_table("monitors")

    def _balance(self, row: dict[str, Any]) -> None:
        parts = {n: row[n] for n in ("pulled", "stored", "quarantined", "known")}
        balanced = parts["pulled"] == parts["stored"] + parts["quarantined"] + parts["known"]
        self.must(balanced, f"{row['name']}: pulled is not stored + quarantined + known: {parts}")
        table, number = f"readings_{row['name'].replace('-', '_')}", row["monitor_id"]
        with self._database() as connection:
            there = sa.inspect(connection).has_table(table)
        held = self.ask(f"SELECT count(*) AS n FROM {table}")[0]["n"] if there else 0
        self.must(
            held == parts["stored"], f"{row['name']}: {held} rows in its table, {parts['stored']} counted"
        )
        aside = self.ask(f"SELECT count(*) AS n FROM quarantine WHERE monitor_id = {number}")[0]["n"]
        self.must(
            aside == parts["quarantined"],
            f"{row['name']}: {aside} quarantined rows, {parts['quarantined']} counted",
        )
        if there:
            for name, cell in ((n, c) for r in self.ask(f"SELECT * FROM {table}") for n, c in r.items()):
                odd = isinstance(cell, float) and not math.isfinite(cell)
                self.must(not odd, f"{row['name']}: {name} holds {cell}")


def _calm(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


def same(got: Any, expected: Any) -> bool:
    """Equal, whatever the database made of it: SQLite has neither booleans nor times."""
    if isinstance(expected, datetime):
        at = datetime.fromisoformat(got) if isinstance(got, str) else got
        return at is not None and (at if at.tzinfo else at.replace(tzinfo=UTC)) == expected
    if isinstance(expected, bool):
        return got is not None and bool(got) is expected
    if isinstance(expected, float):
        return isinstance(got, int | float) and got == expected
    return bool(got == expected)


@contextlib.contextmanager
def world(case: Case, source: str, product: Product, folder: Path, tables: str) -> Iterator[World]:
    """A world for a case, taken down afterwards; ``tables`` is the address of the watched PostgreSQL database."""
    name = uuid.uuid4().hex[:12]
    place = folder / name
    (place / "inbox").mkdir(parents=True)
    watched = tables if source == "postgresql" else f"sqlite:///{place / 'feed.sqlite'}"
    engine = sa.create_engine(watched, poolclass=sa.NullPool)
    made = World(source, product.make(name, case.start), place, watched, engine)
    try:
        yield made
    finally:
        if source == "postgresql":
            made.sql("DROP TABLE IF EXISTS feed CASCADE")
        engine.dispose()
        product.drop(name)


def holds(case: Case, source: str, product: Product, folder: Path, tables: str) -> list[str]:
    """What does not hold of a case: nothing, if all is well."""
    with world(case, source, product, folder, tables) as made:
        try:
            case.play(made)
        except Exception:  # a world that cannot be asked is a problem of the case, not of the benchmark
            made.problems.append(traceback.format_exc()[-1500:])
        return made.check()


def as_json(text: str) -> Any:
    return json.loads(text)
