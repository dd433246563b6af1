"""``monitor up``: what it starts ends with it, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running installation without monitors, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "MONITOR_DATABASE_URL"} | {
        "MONITOR_HOME": str(tmp_path)
    }
    monitor = [sys.executable, "-m", "monitor"]
    subprocess.run([*monitor, "init"], env=environment, check=True, capture_output=True)
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [*monitor, "up", "--port", str(port)], env=environment, stdout=log, stderr=log, start_new_session=True
    )
    yield process, port
    for left in [*_family(process.pid), process.pid]:
        if psutil.pid_exists(left):
            os.kill(left, signal.SIGKILL)
    process.wait()
    log.close()


def _family(pid: int) -> list[int]:
    return [p.pid for p in psutil.Process(pid).children(recursive=True)] if psutil.pid_exists(pid) else []


def _until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _gone(pids: list[int]) -> bool:
    alive = [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE]
    return not alive


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_no_process_and_no_port_is_left(up: tuple[subprocess.Popen[bytes], int], how: signal.Signals) -> None:
    process, port = up
    assert _until(lambda: len(_family(process.pid)) == 3 and _answers(port))
    family = _family(process.pid)
    os.kill(process.pid, how)
    process.wait(20)
    assert _until(lambda: _gone(family), 20)
    assert not _answers(port)


@pytest.mark.slow
def test_a_child_that_dies_is_started_again(up: tuple[subprocess.Popen[bytes], int]) -> None:
    process, _ = up
    assert _until(lambda: len(_family(process.pid)) == 3)
    first = _family(process.pid)[0]
    os.kill(first, signal.SIGKILL)
    assert _until(lambda: first not in _family(process.pid) and len(_family(process.pid)) == 3)
