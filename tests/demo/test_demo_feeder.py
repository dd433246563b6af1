"""Faults on request, and a feeder that ends with its parent and on a signal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from monitor.demo.fault import FEEDS, asked, break_feed
from monitor.demo.feeder import Feed, open_feeds, tick
from monitor.demo.folder import at_work, feeds_folder
from monitor.domain.errors import MonitorError, UnknownError

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def feeds(tmp_path: Path) -> Iterator[list[Feed]]:
    with at_work(tmp_path):
        yield open_feeds(tmp_path, NOW)


def shuttle(home: Path) -> pd.DataFrame:
    return pd.read_csv(feeds_folder(home) / "shuttle.csv")


def test_a_fault_lasts_as_many_ticks_as_announced_and_then_ends(tmp_path: Path, feeds: list[Feed]) -> None:
    tick(tmp_path, feeds, NOW)
    break_feed(tmp_path, "shuttle")
    before = len(shuttle(tmp_path))
    for n in range(1, 9):
        tick(tmp_path, feeds, NOW + timedelta(seconds=5 * n))
    assert shuttle(tmp_path).iloc[before:]["f3"].eq(32_767).tolist() == [True] * 6 + [False] * 2
    assert not asked(feeds_folder(tmp_path), "shuttle")


def test_a_burst_is_booked_once(tmp_path: Path, feeds: list[Feed]) -> None:
    break_feed(tmp_path, "payments")
    rows = [tick(tmp_path, feeds, NOW + timedelta(seconds=5 * n)) for n in range(1, 4)]
    assert rows[0] >= 9
    assert rows[1] + rows[2] < 8


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_the_answer_says_what_will_be_written(tmp_path: Path, feeds: list[Feed], name: str) -> None:
    assert break_feed(tmp_path, name).startswith(f"{name}: within 5 s, ")


def test_an_unknown_feed_is_refused_with_the_known_ones(tmp_path: Path, feeds: list[Feed]) -> None:
    with pytest.raises(UnknownError, match=r"'host'.*payments, shuttle"):
        break_feed(tmp_path, "host")


def test_a_demo_that_does_not_run_cannot_be_broken(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="no demo is running"):
        break_feed(tmp_path)


def test_two_demos_do_not_write_the_same_feeds(tmp_path: Path) -> None:
    with at_work(tmp_path), pytest.raises(MonitorError, match="is running"), at_work(tmp_path):
        pass
    with at_work(tmp_path):  # the first has ended
        pass


def start(home: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-m", "monitor.demo.feeder", str(home)])
    wait_until(lambda: (feeds_folder(home) / "payments.db").exists())
    return child


def wait_until(true: object, seconds: float = 30) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_feeder_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    child = start(tmp_path)
    child.send_signal(number)
    assert child.wait(timeout=20) == 0


def test_the_feeder_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time;"
        f"p = subprocess.Popen([sys.executable, '-m', 'monitor.demo.feeder', {str(tmp_path)!r}]);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    feeder = int(parent.stdout.readline())
    wait_until(lambda: (feeds_folder(tmp_path) / "payments.db").exists())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: ended(feeder))


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text()
