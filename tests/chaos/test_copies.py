"""A backup or a restore that is killed leaves the old or the new, whole, and nothing beside it for long."""

import os
from pathlib import Path

import pandas as pd
import pytest
import seed

from monitor.app import open_context
from monitor.jobs import backup
from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage import audit, quarantine
from monitor.storage.crash import FAIL_POINT
from tests.chaos.victim import Victim
from tests.jobs.test_backup import NOW, Rows, everything


def do(order: tuple[str, Settings, Path, str], _reports: object) -> None:
    """Back up or restore, dying at a point."""
    what, settings, file, point = order
    os.environ[FAIL_POINT] = point
    context = open_context(settings)
    if what == "backup":
        backup.make(context, file, "ana", overwrite=True)
    else:
        backup.restore(context, file, "ana", yes=True)
    context.close()


def killed(what: str, context: Context, file: Path, point: str) -> None:
    victim = Victim(do, (what, context.settings, file, point))
    assert victim.wait() == -9, f"it was not killed at {point}"


def grown(context: Context) -> Rows:
    """Some hundred pages more than there were."""
    rows = [{"origin": f"a:{n}", "raw": "x" * 2_000, "reason": "no time"} for n in range(800)]
    with context.database.write() as session:
        quarantine.store(session, 1, pd.DataFrame(rows), 1, NOW)
        audit.append(session, NOW, "ana", "noted", "x", {})
    return everything(context.database)


def but_the_trail(rows: Rows) -> Rows:
    return {name: r for name, r in rows.items() if name not in ("audit", "leases")}


def left(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if ".part" in p.name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "then"),
    [
        ("restore.prepared", "old"),
        ("restore.copying", "old"),
        ("restore.copying:3", "old"),
        ("restore.done", "new"),
    ],
)
def test_a_restore_that_is_killed_leaves_one_whole_database(
    context: Context, tmp_path: Path, point: str, then: str
) -> None:
    seed.fill(context.database, NOW, days=1)
    saved = grown(context)
    backup.make(context, tmp_path / "a.backup", "ana")
    with context.database.write() as session:
        audit.append(session, NOW, "ana", "noted", "y", {})
        session.connection().exec_driver_sql("DELETE FROM quarantine WHERE quarantine_id > 5")
    old = everything(context.database)
    killed("restore", context, tmp_path / "a.backup", point)
    context.database.engine.dispose()
    found = everything(context.database)
    assert but_the_trail(found) == but_the_trail({"old": old, "new": saved}[then])
    assert (found["audit"] == old["audit"]) == (then == "old")
    with context.database.read() as session:
        assert audit.verify(session).broken is None
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    assert but_the_trail(everything(context.database)) == but_the_trail(saved)
    assert left(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("point", ["copy.whole", "backup.made"])
def test_a_backup_that_is_killed_leaves_a_whole_file_or_the_one_before(
    context: Context, tmp_path: Path, point: str
) -> None:
    seed.fill(context.database, NOW, days=1)
    backup.make(context, tmp_path / "a.backup", "ana")
    before = (tmp_path / "a.backup").read_bytes()
    grown(context)
    killed("backup", context, tmp_path / "a.backup", point)
    assert backup.backup.look(tmp_path / "a.backup").kind == context.database.dialect
    assert ((tmp_path / "a.backup").read_bytes() == before) == (point == "copy.whole")
    backup.make(context, tmp_path / "a.backup", "ana", overwrite=True)
    assert left(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_there_until_the_restored_one_is(context: Context, tmp_path: Path) -> None:
    seed.fill(context.database, NOW, days=1)
    backup.make(context, tmp_path / "a.backup", "ana")
    context.database.close()
    file = Path(str(context.database.url.database))
    torn = b"\0" * 64 + file.read_bytes()[64:]
    file.write_bytes(torn)
    killed("restore", context, tmp_path / "a.backup", "copy.whole")
    assert file.read_bytes() == torn
    backup.restore(context, tmp_path / "a.backup", "ana", yes=True)
    assert len(everything(context.database)["alerts"]) > 0
