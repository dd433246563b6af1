"""Databases for the product to run on: an empty one and one that has learnt, copied for each case."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from .rows import LEARNT, csv_bytes, good, into_sqlite

POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")
MONITORS = """\
monitors:
  - {name: files, source: {kind: files, path: "${CORPUS}/*"}, <<: &rest {kind: tabular, key: [id], entity: card,
     time: {field: at, zone: Europe/Berlin}, label: fraud, value: amount, fields: {exclude: [n]},
     model: {objective: vanilla}, alerts: {p_value: 0.001}}}
  - {name: table, source: {kind: sql, url: "${CORPUS_URL}", query: select * from feed, cursor: [n]}, <<: *rest}
"""


class Sqlite:
    """A file a case."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, copy_of: str | None) -> str:
        path = self.folder / f"{name}.db"
        if copy_of:
            shutil.copy(self.folder / f"{copy_of}.db", path)
        return f"sqlite:///{path}"

    def drop(self, name: str) -> None:
        for end in ("", "-wal", "-shm"):
            (self.folder / f"{name}.db{end}").unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held."""


class Postgres:
    """A database a case; ``source`` is one more, for the tables that monitors watch."""

    name = "PostgreSQL"

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.prefix = f"corpus_{uuid.uuid4().hex[:10]}"
        self.admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def make(self, name: str, copy_of: str | None) -> str:
        like = f" TEMPLATE {self.prefix}_{copy_of}" if copy_of else ""
        self._do(f"CREATE DATABASE {self.prefix}_{name}{like}")
        if not copy_of:  # a copy has it from its template
            self._do(f"ALTER DATABASE {self.prefix}_{name} SET synchronous_commit TO off")
        self.made.add(name)
        return self.url(name)

    def url(self, name: str) -> str:
        made = sa.make_url(POSTGRES).set(database=f"{self.prefix}_{name}")
        return made.render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        self._do(f"DROP DATABASE IF EXISTS {self.prefix}_{name} WITH (FORCE)")
        self.made.discard(name)

    def close(self) -> None:
        for name in list(self.made):
            self.drop(name)
        self.admin.dispose()

    def _do(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(statement)


Product = Sqlite | Postgres


@contextmanager
def postgres_source() -> Iterator[str]:
    """A database for watched tables; its address."""
    made = Postgres()
    try:
        yield made.make("source", None)
    finally:
        made.close()


def prepare(product: Product, folder: Path, *, train: bool = True) -> None:
    """Make ``empty`` and ``taught``: a monitor of files and one of a table, each with rows, and a champion and scores.

    train: without it there are only the rows, which takes a tenth of the time.
    """
    from .world import shell

    shell(product.make("empty", None), folder, "init")
    url = product.make("taught", "empty")
    first = folder / "learnt"
    first.mkdir(exist_ok=True)
    rows = [good(n) for n in range(1, LEARNT + 1)]
    (first / "learnt.csv").write_bytes(csv_bytes(rows))
    if not (folder / "learnt.sqlite").exists():
        into_sqlite(folder / "learnt.sqlite", rows, 1)
    (folder / "monitors.yaml").write_text(MONITORS)
    where = {"CORPUS": str(first), "CORPUS_URL": f"sqlite:///{folder / 'learnt.sqlite'}"}
    for words in (("apply", "monitors.yaml"), *[(job, name) for name in ("files", "table")
                  for job in (("pull", "train", "score") if train else ("pull",))]):  # fmt: skip
        done = shell(url, folder, *words, **where)
        assert done.code == 0, f"{words}: {done.err}"
