"""A restore needs the database alone: what stays with it is noticed, whether it works or not."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from monitor.domain.errors import Conflict
from monitor.jobs import backup
from monitor.jobs.context import Context
from monitor.storage import audit, presence
from monitor.storage.database import Database

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(context: Context, tmp_path: Path) -> Iterator[Start]:
    """Start a command of the product on the test's database; what is left of it is ended."""
    environment = os.environ | {
        "MONITOR_DATABASE_URL": context.settings.url,
        "MONITOR_HOME": str(tmp_path / "home"),
        "MONITOR_TRAINERS": "0",
    }
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, *words], env=environment, cwd=tmp_path, **quiet))  # type: ignore[call-overload]
        return started[-1]

    yield run
    for process in started:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for each in [*family, process]:
            each.kill()
        process.communicate()


def refused(context: Context, file: Path) -> str | None:
    """What a restore says against it; None where it was done."""
    try:
        backup.restore(context, file, "ana", yes=True)
    except Conflict as fault:
        return str(fault)
    return None


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def note(context: Context) -> int:
    with context.database.write() as session:
        return audit.append(session, context.now(), "ana", "noted", "x", {})


@pytest.mark.slow
def test_nothing_is_restored_under_an_idle_installation(
    context: Context, start: Start, tmp_path: Path
) -> None:
    backup.make(context, tmp_path / "a.backup", "ana")
    last = note(context)
    up = start("-m", "monitor", "run")
    family = psutil.Process(up.pid)
    assert until(lambda: len(family.children()) == 1)
    worker = family.children()[0].pid
    assert until(lambda: str(worker) in (refused_by(context) or ""))
    asked = start("-m", "monitor", "restore", "a.backup", "--yes", "--json")
    said = json.loads(asked.communicate()[0])["error"]
    assert asked.returncode == 1
    assert "nothing was restored" in said
    assert str(up.pid) in said
    assert "stop `monitor up`" in said
    assert note(context) == last + 1, "what was there is there"
    up.send_signal(signal.SIGTERM)
    up.wait(30)
    assert refused(context, tmp_path / "a.backup") is None
    assert note(context) == 2, "the line of the restore, and this one"


def refused_by(context: Context) -> str | None:
    try:
        with presence.alone(context.database):
            return None
    except Conflict as fault:
        return str(fault)


@pytest.mark.slow
def test_a_worker_that_was_killed_stands_against_nothing(context: Context, start: Start) -> None:
    worker = start("-m", "monitor.scheduling.worker", "data")
    assert until(lambda: refused_by(context) is not None)
    worker.kill()
    worker.wait()
    assert until(lambda: refused_by(context) is None)


@pytest.mark.slow
def test_a_dashboard_alone_is_noticed_too(context: Context, start: Start) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    page = start("-m", "monitor", "dashboard", "--port", port)
    assert until(lambda: refused_by(context) is not None)
    page.terminate()
    assert page.wait(30) is not None
    assert until(lambda: refused_by(context) is None)


def test_a_database_that_goes_by_two_names_is_one(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "x.db")
    one, other = (Database(f"sqlite:///{tmp_path / name}") for name in ("x.db", "link.db"))
    with presence.staying(one), pytest.raises(presence.InUse), presence.alone(other):
        pass


def test_who_comes_during_a_restore_waits_for_its_end(context: Context) -> None:
    order: list[str] = []
    other = Database(context.settings.url)

    def come() -> None:
        with presence.staying(other):
            order.append("there")

    with presence.alone(context.database):
        late = threading.Thread(target=come)
        late.start()
        late.join(0.3)
        order.append("restored")
    late.join(30)
    other.close()
    assert order == ["restored", "there"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_that_forgot_who_is_here_is_told_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "AGAIN", 0.05)
    other = Database(context.settings.url)
    with presence.staying(other):
        assert refused_by(context) is not None
        with context.database.engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND starts_with(application_name, 'monitor ')"
            )
        assert until(lambda: refused_by(context) is not None)
    other.close()
