"""The wall clock is put forward and back under a scheduler, a worker and a lease: no slot twice, none forgotten."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import absent

from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.storage import tables
from tests.chaos.invariants import leased

R = tables.runs.c
FAKETIME = [
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1"),
]


class Clock:
    """The offset that the process under test adds to the time, or the time that it starts from."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clock"

    def put(self, offset: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(offset + "\n")
        fresh.rename(self.path)  # never half written for its reader


@contextmanager
def running(context: Context, folder: Path, clock: Clock) -> Iterator[None]:
    """The scheduler and its worker under that clock, until the block ends."""
    if not FAKETIME:
        absent("no libfaketime; install it")
    end = folder / "end"
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME[0]), "FAKETIME_TIMESTAMP_FILE": str(clock.path), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "MONITOR_LEASE_SECONDS": "15",
        "MONITOR_HOME": str(folder), "MONITOR_DATABASE_URL": context.settings.url,
    }  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.clock", str(end)],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (folder / "log").read_text()
            yield
            end.touch()
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    assert "Traceback" not in (folder / "log").read_text()


def watch(context: Context, folder: Path, schedule: dict[str, str]) -> None:
    (folder / "rows.csv").write_text("id,x\n1,1\n2,2\n")
    monitor = {
        "name": "m", "kind": "tabular", "source": {"kind": "files", "path": str(folder / "rows.csv")},
        "key": ["id"], "schedule": schedule,
    }  # fmt: skip
    apply(context, Document.model_validate({"monitors": [monitor]}), "tester")


def found(context: Context, *wanted: sa.ColumnElement[bool]) -> list[sa.Row[tuple[object, ...]]]:
    with context.database.read() as session:
        return list(session.execute(sa.select(tables.runs).where(*wanted).order_by(R.run_id)))


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def test_pulls_go_on_when_the_clock_jumps_a_day_ahead(context: Context, tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.put("+0")
    watch(context, tmp_path, {"pull": "1s", "train": "0 0 29 2 *"})
    with running(context, tmp_path, clock):
        assert until(lambda: bool(found(context, R.job == "pull", R.state == "done")))
        clock.put("+1d")
        before = len(found(context, R.job == "pull", R.state == "done"))
        assert until(lambda: len(found(context, R.job == "pull", R.state == "done")) > before)


@pytest.mark.chaos
def test_a_clock_that_jumps_doubles_no_slot_stops_no_pull_and_takes_no_lease(
    context: Context, tmp_path: Path
) -> None:
    clock = Clock(tmp_path)
    clock.put("+0")
    watch(context, tmp_path, {"pull": "1s", "train": "0 0 29 2 *"})
    with running(context, tmp_path, clock):
        for step in ("+0", "+1d", "+23h", "+24h", "-1h", "+0"):
            clock.put(step)
            before = len(found(context, R.job == "pull", R.state == "done"))
            more = until(lambda n=before: len(found(context, R.job == "pull", R.state == "done")) >= n + 3)
            assert more, f"no pulls after the clock was put to {step}"
            with context.database.read() as session:
                assert [w for w in leased(session, None, None) if "before they began" in w] == []
    every = found(context)
    assert len({(r.scope, r.job, r.slot) for r in every}) == len(every)
    assert {r.attempt for r in every if r.state == "done"} == {1}
    [long] = found(context, R.slot == "long")
    assert (long.state, long.attempt, long.message) == ("done", 1, "waited")


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("night", "moments"),
    [
        ("2026-03-29", ["00:59:57", "01:29:57"]),  # 02:30 does not exist: 01:59:59 is followed by 03:00:00
        ("2026-10-25", ["00:29:57", "01:29:57"]),  # 02:30 comes twice
    ],
)
def test_a_night_with_a_gap_or_an_overlap_has_one_training(
    context: Context, tmp_path: Path, night: str, moments: list[str]
) -> None:
    clock = Clock(tmp_path)
    clock.put(_from(night, "00:00:00"))
    watch(context, tmp_path, {"pull": "1d", "train": "30 2 * * *", "timezone": "Europe/Berlin"})
    with running(context, tmp_path, clock):
        time.sleep(1)
        for moment in moments:
            clock.put(_from(night, moment))
            time.sleep(6)
        clock.put(_from(night, "12:00:00"))
        time.sleep(3)
    slots = [r.slot for r in found(context, R.job == "train")]
    assert [s for s in slots if s.startswith(night)] == slots
    assert len(slots) == 1


def _from(night: str, moment: str) -> str:
    """An offset that makes it this moment now, in UTC."""
    wanted = datetime.fromisoformat(f"{night}T{moment}+00:00").timestamp()
    return f"{wanted - time.time():+.0f}"
