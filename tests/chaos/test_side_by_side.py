"""Workers beside each other on one database: killed, stopped and woken, starved; each piece of work is done once."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from monitor.app import open_context
from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.jobs.running import execute, holder
from monitor.scheduling.watch import Watch
from monitor.storage import runs
from tests.chaos.ground import Ground
from tests.chaos.kills import rounds
from tests.chaos.schedulers import compete
from tests.chaos.stopped import overtaken
from tests.chaos.victim import Order, Victim

SPIN = 8.0  # seconds


@pytest.fixture
def ground(context: Context, tmp_path: Path) -> Ground:
    return Ground(context, tmp_path, 9, seed=1)


def test_a_pull_that_is_killed_and_started_again_loses_and_doubles_nothing(ground: Ground) -> None:
    tally = rounds(ground, "pull", 3)
    assert tally.broken == []
    assert tally.kills == 3


def test_a_worker_that_wakes_after_another_did_its_work_writes_nothing(ground: Ground) -> None:
    ground.feed(350, bad=3)
    assert overtaken(ground, "pull") == []


def test_each_slot_runs_once_however_many_schedulers_offer_it(context: Context, tmp_path: Path) -> None:
    outcome = compete(context, tmp_path, 40, schedulers=2)
    assert outcome.once_each, str(outcome)
    assert outcome.workers == 2


@pytest.mark.chaos
def test_a_heartbeat_that_is_starved_loses_no_lease(ground: Ground) -> None:
    settings = ground.context.settings.model_copy(update={"lease_seconds": 2.0})
    run_id = ground.ask("pull")
    watch = Watch(Context(settings, ground.context.database))
    with _busy_machine():
        victim = Victim(spin, Order([("pull", run_id)], settings, {}))
        assert victim.hear() == run_id
        freed = 0
        while victim.process.is_alive():
            freed += watch.look()
            time.sleep(0.1)
        victim.wait()
    with ground.context.database.read() as session:
        row = runs.get(session, run_id)
    assert (freed, row["state"], row["attempt"]) == (0, "done", 1)


def spin(order: Order, reports: Connection) -> None:
    """A run that never lets the interpreter rest."""

    def work(_context: Context, _run: Run) -> Outcome:
        end, turns = time.monotonic() + SPIN, 0
        while time.monotonic() < end:
            turns += sum(range(1000))
        return Outcome("spun")

    context = open_context(order.settings)
    with context.database.write() as session:
        run = runs.claim(session, ["pull"], holder(), context.now(), 2.0, run_id=order.runs[0][1])
    assert run is not None
    reports.send(run.run_id)
    execute(context, run, work)


@contextmanager
def _busy_machine() -> Iterator[None]:
    """Two loops a core, at the least priority."""
    loop = ["nice", "-n", "19", sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()
