"""The restore drill: a copy made while a writer is at work, brought back to an empty place, is the database."""

import getpass
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import seed
import sqlalchemy as sa

from monitor.detection.detector import Detector
from monitor.domain.errors import Conflict, MonitorError, NeedsYes, Superseded
from monitor.domain.run import Fence, Request
from monitor.domain.version import GATE, Step
from monitor.jobs import backup
from monitor.jobs.context import Context
from monitor.jobs.running import holder
from monitor.settings import Settings
from monitor.storage import audit, leases, quarantine, runs, schema, tables, versions
from monitor.storage.backup import Unusable
from monitor.storage.database import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def elsewhere(context: Context, tmp_path: Path) -> Iterator[Context]:
    """An empty place of the same kind: no schema, no file."""
    url = context.database.url
    if context.database.dialect == "sqlite":
        place = Database(f"sqlite:///{tmp_path / 'elsewhere' / 'monitor.db'}")
        yield Context(Settings(database_url=str(place.url), actor="tester"), place)
        place.close()
        return
    name = f"keep_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    place = Database(url.set(database=name).render_as_string(hide_password=False))
    yield Context(
        Settings(database_url=place.url.render_as_string(hide_password=False), actor="tester"), place
    )
    place.close()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(scope="module")
def bundle() -> bytes:
    rng = np.random.default_rng(0)
    load = rng.normal(50, 5, 300)
    frame = pd.DataFrame({"load": load, "heat": load * 0.8 + rng.normal(0, 1, 300)})
    return Detector(objective="vanilla").fit(frame).to_bytes()


def everything(database: Database) -> Rows:
    """Every row of every table, readings included."""
    found: Rows = {}
    with database.engine.connect() as connection:
        for name in sorted(sa.inspect(connection).get_table_names()):
            table = tables.metadata.tables.get(name)
            columns = "*" if table is None else ", ".join(c.name for c in table.columns)
            order = "1" if table is None else ", ".join(c.name for c in table.primary_key)
            rows = connection.exec_driver_sql(f'SELECT {columns} FROM "{name}" ORDER BY {order}')
            found[name] = [tuple(r) for r in rows]
    return found


def write_on(context: Context, stop: threading.Event) -> Callable[[], None]:
    """Two rows a transaction, in two tables, for as long as it may."""
    url = context.settings.url

    def work() -> None:
        with closing(Database(url)) as database:
            number = 0
            while not stop.is_set():
                number += 1
                row = pd.DataFrame({"origin": [f"a:{number}"], "raw": ["ü\t\\.\n%"], "reason": ["no time"]})
                with database.write() as session:
                    audit.append(session, NOW, "writer", "wrote", f"row:{number}", {"n": number})
                    quarantine.store(session, 1, row, 1, NOW)

    return work


def test_a_backup_made_while_a_writer_is_at_work_brings_everything_back(
    context: Context, elsewhere: Context, bundle: bytes, tmp_path: Path
) -> None:
    seed.fill(context.database, NOW, days=1)
    with context.database.write() as session:
        version_id = versions.add(session, 1, bundle, NOW, objective="vanilla", manifest={"rows": 300}, facts={},
                                  trained_through=1)  # fmt: skip
        versions.promote(session, versions.get(session, version_id), Step("promoted", GATE, NOW, "first"))
    stop = threading.Event()
    writer = threading.Thread(target=write_on(context, stop))
    writer.start()
    try:
        made = backup.make(context, tmp_path / "a.backup", "ana")
    finally:
        stop.set()
        writer.join()
    backup.restore(elsewhere, tmp_path / "a.backup", "ana")
    before, after = everything(context.database), everything(elsewhere.database)
    assert before.keys() == after.keys()
    growing = {"audit", "quarantine", "leases"}
    assert {n: r for n, r in after.items() if n not in growing} == {
        n: r for n, r in before.items() if n not in growing
    }
    assert after["audit"][:-1] == before["audit"][: len(after["audit"]) - 1]
    assert after["quarantine"] == before["quarantine"][: len(after["quarantine"])]
    assert len(after["quarantine"]) == len(after["audit"]) - 1, "a transaction is in it whole or not at all"
    with elsewhere.database.read() as session:
        assert audit.verify(session).broken is None
        champion = versions.champion(session, 1)
        assert champion is not None
        assert champion.version_id == version_id
        detector = Detector.from_bytes(versions.bundle(session, version_id))
    assert detector.score(pd.DataFrame({"load": [50.0], "heat": [140.0]}))["p_value"].iloc[0] < 0.05
    assert (made.revision, (tmp_path / "a.backup").stat().st_mode & 0o777) == (schema.head(), 0o600)
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []
    new = [e.action for e in trail(elsewhere)]
    assert new == ["database.restored"]
    assert [e.action for e in trail(context)] == ["database.backed_up"]


def trail(context: Context) -> list[audit.Entry]:
    with context.database.read() as session:
        return audit.about(session, ["database"])


def test_ids_go_on_after_a_restore(context: Context, elsewhere: Context, tmp_path: Path) -> None:
    for number in range(3):
        note(context, number)
    backup.make(context, tmp_path / "a.backup", "ana")
    backup.restore(elsewhere, tmp_path / "a.backup", "ana")
    assert note(elsewhere, 9) == 5  # three, and the line of the restore


def note(context: Context, number: int) -> int:
    with context.database.write() as session:
        return audit.append(session, NOW, "ana", "noted", f"row:{number}", {})


def test_rows_are_not_overwritten_without_yes_and_the_trail_says_what_came_back(
    context: Context, tmp_path: Path
) -> None:
    note(context, 1)
    backup.make(context, tmp_path / "a.backup", "ana")
    note(context, 2)
    with pytest.raises(NeedsYes, match=r"holds 3 rows of audit; say --yes"):
        backup.restore(context, tmp_path / "a.backup", "ana")
    assert audit_rows(context) == 3
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    assert audit_rows(context) == 2
    with context.database.read() as session:
        assert audit.verify(session).broken is None


def audit_rows(context: Context) -> int:
    with context.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(tables.audit)) or 0


def _held_by(context: Context, who: str) -> None:
    with context.database.write() as session:
        session.execute(sa.update(tables.leases).values(holder=who))


def test_nothing_is_restored_under_a_worker_and_one_that_sleeps_through_it_is_refused(
    context: Context, tmp_path: Path
) -> None:
    backup.make(context, tmp_path / "a.backup", "ana")
    now = context.now()
    with context.database.write() as session:
        run_id = runs.offer(session, Request("prune", None, "s"), "schedule", now)
        run = runs.claim(session, ["prune"], "host:1:1", now, 60)
    assert run is not None
    with pytest.raises(Conflict, match=r"host:1:1 .* is at work on all/prune"):
        backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    with context.database.write() as session:  # a clock that is behind, or was put back, says nothing
        leases.hold(session, run.fence, now - timedelta(minutes=2), 60)
    with pytest.raises(Conflict, match=r"host:1:1 .* stop its `monitor up`"):
        backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    _held_by(context, holder())
    with pytest.raises(Conflict, match=f"{os.getpid()}"):
        backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    _held_by(context, f"{socket.gethostname()}:{os.getpid()}:1")  # the number is another process's by now
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    with pytest.raises(Superseded), context.database.write() as session:
        leases.hold(session, Fence("all/prune", run.fence.token), now, 60)
    assert run_id is not None


def test_a_restore_that_fails_half_way_changes_nothing(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed.fill(context.database, NOW, days=1)
    backup.make(context, tmp_path / "a.backup", "ana")
    before = everything(context.database)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(backup.leases, "supersede", fail)
        with pytest.raises(RuntimeError):
            backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    assert everything(context.database) == before


def test_an_older_backup_is_upgraded_on_the_way(context: Context, elsewhere: Context, tmp_path: Path) -> None:
    oldest = schema.history()[0]
    seed.fill(context.database, NOW, days=1)
    if oldest != schema.head():
        schema.downgrade(context.database, oldest)
    assert backup.backup.make(context.database, tmp_path / "a.backup").revision == oldest
    backup.restore(elsewhere, tmp_path / "a.backup", "ana")
    schema.ready(elsewhere.database)
    assert len(everything(elsewhere.database)["alerts"]) > 0


def test_a_newer_backup_is_refused(context: Context, tmp_path: Path) -> None:
    with context.database.write() as session:
        session.execute(sa.text("update alembic_version set version_num = '9999'"))
    backup.backup.make(context.database, tmp_path / "a.backup")
    with context.database.write() as session:
        session.execute(sa.text(f"update alembic_version set version_num = '{schema.head()}'"))
    with pytest.raises(Unusable, match=r"is at schema 9999; .* upgrade monitor first"):
        backup.restore(context, tmp_path / "a.backup", "ana", yes=True)


def test_a_damaged_backup_is_refused(context: Context, tmp_path: Path) -> None:
    seed.fill(context.database, NOW, days=1)
    backup.make(context, tmp_path / "a.backup", "ana")
    whole = (tmp_path / "a.backup").read_bytes()
    (tmp_path / "torn").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other").write_bytes(b"PK\3\4 something else")
    for name, words in (("torn", "torn|pg_restore failed"), ("other", "is no backup")):
        with pytest.raises(Unusable, match=words):
            backup.restore(context, tmp_path / name, "ana", yes=True)
    with pytest.raises(backup.RefusedFile, match="no such file"):
        backup.restore(context, tmp_path / "absent", "ana", yes=True)


def test_a_file_that_is_there_is_kept_unless_told_otherwise(context: Context, tmp_path: Path) -> None:
    (tmp_path / "a.backup").write_text("mine")
    with pytest.raises(backup.RefusedFile, match="say --overwrite"):
        backup.make(context, tmp_path / "a.backup", "ana")
    assert (tmp_path / "a.backup").read_text() == "mine"
    backup.make(context, tmp_path / "a.backup", "ana", overwrite=True)
    assert (tmp_path / "a.backup").stat().st_size > 1000


def test_a_backup_of_the_other_kind_is_refused_with_what_to_do(
    context: Context, elsewhere: Context, tmp_path: Path, postgres: Database, sqlite_template: Path
) -> None:
    other = postgres if context.database.dialect == "sqlite" else Database(f"sqlite:///{sqlite_template}")
    backup.backup.make(other, tmp_path / "a.backup")
    with pytest.raises(Unusable, match="set MONITOR_DATABASE_URL"):
        backup.restore(elsewhere, tmp_path / "a.backup", "ana")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_copy_of_the_file_lacks_what_the_backup_has(context: Context, tmp_path: Path) -> None:
    """Fault 14: the newest transactions are in the write-ahead log, which a copy of the file leaves behind."""
    file = Path(str(context.database.url.database))
    with context.database.engine.connect() as held:  # a reader, so that no checkpoint empties the log
        held.exec_driver_sql("SELECT 1 FROM audit").close()
        for number in range(50):
            note(context, number)
        shutil.copy(file, tmp_path / "copied.db")
        backup.make(context, tmp_path / "made.db", "ana")
    rows = {}
    for name in ("copied.db", "made.db"):
        with closing(Database(f"sqlite:///{tmp_path / name}")) as found, found.read() as session:
            rows[name] = session.scalar(sa.select(sa.func.count()).select_from(tables.audit))
    assert rows == {"copied.db": 0, "made.db": 50}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_replaced_and_kept_aside(context: Context, tmp_path: Path) -> None:
    """Fault 13: what is left of it may still be wanted."""
    seed.fill(context.database, NOW, days=1)
    backup.make(context, tmp_path / "a.backup", "ana")
    context.database.close()
    file = Path(str(context.database.url.database))
    file.write_bytes(b"\0" * 64 + file.read_bytes()[64:])
    with pytest.raises(NeedsYes, match="damaged"):
        backup.restore(context, tmp_path / "a.backup", "ana")
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    schema.ready(context.database)
    assert len(everything(context.database)["alerts"]) > 0
    assert len(list(file.parent.glob("monitor.db.damaged-*"))) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_kept_aside_where_there_are_no_hard_links(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.make(context, tmp_path / "a.backup", "ana")
    context.database.close()
    file = Path(str(context.database.url.database))
    torn = b"\0" * 64 + file.read_bytes()[64:]
    file.write_bytes(torn)

    def none(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", none)
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    schema.ready(context.database)
    assert [kept.read_bytes() for kept in file.parent.glob("monitor.db.damaged-*")] == [torn]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_tables_of_others_are_neither_copied_nor_touched(context: Context, tmp_path: Path) -> None:
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs AS SELECT 1 AS n")
    backup.make(context, tmp_path / "a.backup", "ana")
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO theirs VALUES (2)")
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    assert everything(context.database)["theirs"] == [(1,), (2,)]
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW seen AS SELECT * FROM alerts")
    with pytest.raises(Unusable, match="view seen depends on table alerts"):
        backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW seen")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_password_is_in_the_childs_environment_alone(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\necho "$PGPASSWORD" > {tmp_path}/password\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    url = context.database.url
    login = url.set(username=url.username or getpass.getuser(), password="canary-5ecret")
    secret = Database(login.render_as_string(hide_password=False))
    with closing(secret), pytest.raises(Unusable, match="pg_dump failed") as caught:
        backup.backup.make(secret, tmp_path / "a.backup")
    assert "canary" not in (tmp_path / "words").read_text() + str(caught.value)
    assert (tmp_path / "password").read_text().strip() == "canary-5ecret"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("aborting because of server version mismatch\npg_dump: detail: server version: 17.2; pg_dump version: 15.20",
         "the server is PostgreSQL 17, pg_dump on PATH is 15.*postgresql-client-17"),
        (None, "pg_dump was not found on PATH.*postgresql-client"),
    ],
)  # fmt: skip
def test_a_program_that_is_absent_or_too_old_is_named(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None, words: str
) -> None:
    if says is not None:
        (tmp_path / "pg_dump").write_text(f"#!/bin/sh\nprintf '{says}' >&2\nexit 1\n")
        (tmp_path / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MonitorError, match=words):
        backup.make(context, tmp_path / "a.backup", "ana")
