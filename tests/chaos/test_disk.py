"""A disk that is full, fails or is damaged: a sentence, nothing acknowledged that is not kept, and on it goes after."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import absent

from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage import health, runs, schema, tables
from monitor.storage.database import Database, OperationalFault
from tests.chaos.ground import NAME, Ground
from tests.chaos.invariants import broken, unfinished
from tests.chaos.victim import Order, Victim, work

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = 12_000  # several megabytes of database


def opened(folder: Path, data: Path) -> Ground:
    """A ground whose database lies in ``folder`` and whose source in ``data``; no channel is ever used."""
    database = Database(f"sqlite:///{folder / 'monitor.db'}")
    schema.upgrade(database)
    context = Context(Settings(home=data, database_url=str(database.url), actor="tester"), database)
    return Ground(context, data, 9, seed=1)


def pull(ground: Ground, largest: int | None = None) -> tuple[int | None, str, str]:
    """Exit code of a worker that pulls, and the run's state and message."""
    run_id = ground.ask("pull")
    victim = Victim(work, Order([("pull", run_id)], ground.context.settings, {}, largest_file=largest))
    code = victim.wait()
    with ground.context.database.read() as session:
        row = runs.get(session, run_id)
    return code, row["state"], row["message"] or ""


def sound(ground: Ground) -> None:
    assert broken(ground.context, ground.world) == []


def whole(ground: Ground) -> None:
    sound(ground)
    assert unfinished(ground.context, ground.world) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root; a limit on the size of files stands in for it below")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_pull_with_a_sentence_and_once_freed_nothing_is_missing(
    small_disk: Path, tmp_path: Path
) -> None:
    ground = opened(small_disk, tmp_path)
    ground.feed(ROWS)
    code, state, message = pull(ground)
    assert (code, state, message) == (0, "queued", "the database did not answer: database or disk is full")
    sound(ground)
    with ground.context.database.read() as session:  # people still see how things stand
        assert [m["monitor"] for m in health.of_all(session, ground.context.now())] == [NAME]
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert pull(ground)[:2] == (0, "done")
    whole(ground)
    ground.context.close()


def test_a_file_that_may_not_grow_ends_the_pull_with_a_sentence_and_afterwards_nothing_is_missing(
    tmp_path: Path,
) -> None:
    ground = opened(tmp_path, tmp_path)
    ground.feed(ROWS)
    _, state, message = pull(ground, largest=1 << 20)
    assert state in ("queued", "running")  # put back, or left to be taken up again
    assert "disk I/O error" in message or state == "running"
    sound(ground)
    assert pull(ground)[:2] == (0, "done")
    whole(ground)
    ground.context.close()


@pytest.mark.parametrize("when", ["1+", "3", "3+"])
def test_a_commit_that_could_not_be_synced_is_not_acknowledged_and_a_restart_is_right(
    tmp_path: Path, when: str
) -> None:
    if shutil.which("strace") is None:
        absent("no strace, which makes fsync fail; install it")
    ground = opened(tmp_path, tmp_path)
    ground.feed(50)
    before = ground.path.stat().st_size
    ground.context.close()
    inject = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        os.devnull,
        "-e",
        f"inject=fsync,fdatasync:error=EIO:when={when}",
    ]
    done = subprocess.run(
        [*inject, sys.executable, "-m", "monitor", "pull", NAME],
        env=os.environ | {"MONITOR_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "disk I/O error" in done.stderr
    assert "Traceback" not in done.stderr
    assert ground.path.stat().st_size == before
    sound(ground)
    assert pull(ground)[:2] == (0, "done")
    whole(ground)
    ground.context.close()


def test_a_handle_whose_write_failed_is_not_used_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
    schema.upgrade(database)
    with database.write() as session:
        first = session.connection().connection.driver_connection
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(OperationalFault, match="disk I/O error"), database.write() as session:
            session.execute(sa.insert(tables.queues).values(name="q", title="x" * (2 << 20), created_at=NOW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with database.write() as session:
        assert session.connection().connection.driver_connection is not first
        session.execute(sa.insert(tables.queues).values(name="q", title="x", created_at=NOW))
    database.close()
