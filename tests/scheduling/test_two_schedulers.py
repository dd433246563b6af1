"""Two schedulers with a worker each on one database: every slot runs once."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.domain.monitor import Monitor
from monitor.jobs.context import Context
from monitor.storage import tables

MONITORS, SLOTS, FLAKY = 20, 100, 3
PROCESS = Path(__file__).with_name("two_schedulers.py")
R = tables.runs.c


def watch(context: Context) -> None:
    """Monitors that are pulled each second."""
    with context.database.write() as session:
        for n in range(MONITORS):
            config = Monitor.model_validate(
                {"name": f"m{n}", "kind": "tabular", "source": {"kind": "files", "path": "none.csv"},
                 "schedule": {"pull": "1s"}}
            )  # fmt: skip
            session.execute(
                sa.insert(tables.monitors).values(
                    name=config.name, document=config.model_dump(mode="json"), cursor={}, notices=[],
                    created_at=context.now(),
                )
            )  # fmt: skip


@pytest.fixture
def both(context: Context) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that are ready to begin."""
    environment = os.environ | {
        "MONITOR_DATABASE_URL": context.settings.url,
        "MONITOR_HOME": str(context.settings.home),
        "MONITOR_LOG": "error",
    }
    started = [
        subprocess.Popen(
            [sys.executable, str(PROCESS), str(FLAKY)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    yield started
    for process in started:
        process.kill()
        process.communicate()


def tell(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def pulls(context: Context, *states: str) -> int:
    with context.database.read() as session:
        count = sa.select(sa.func.count()).where(R.job == "pull", R.state.in_(states))
        return session.scalar(count) or 0


@pytest.mark.slow
def test_two_schedulers_run_each_of_100_slots_once(
    context: Context, both: list[subprocess.Popen[str]]
) -> None:
    watch(context)
    tell(both)
    assert until(lambda: pulls(context, "done") >= SLOTS)
    tell(both)
    time.sleep(1.0)  # for a slot that was just being offered
    assert until(lambda: pulls(context, "queued", "running") == 0)
    offered = []
    for process in both:
        process.terminate()
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err[-2000:]
        assert not err
        offered.append(int(out))
    with context.database.read() as session:
        found = session.execute(sa.select(tables.runs).where(R.job == "pull").order_by(R.started_at)).all()
        ran = session.execute(
            sa.select(tables.audit.c.subject, tables.audit.c.actor).where(tables.audit.c.subject.contains("/pull/"))
        ).all()  # fmt: skip
    slots = Counter(f"{r.monitor_id}/pull/{r.slot}" for r in found)
    assert set(slots.values()) == {1}
    assert Counter(subject for subject, _ in ran) == slots, "each slot in the queue left one line"
    assert len(slots) == sum(offered)
    assert min(offered) > 0, "both schedulers took turns"
    assert len({worker for _, worker in ran}) == 2, "and so did both workers"
    assert {(r.state, r.attempt) for r in found} == {("done", 1), ("done", 2)}
    assert {r.monitor_id for r in found if r.attempt == 2} == set(range(1, FLAKY + 1))
    for monitor_id in range(1, MONITORS + 1):
        mine = [r for r in found if r.monitor_id == monitor_id]
        assert all(a.finished_at <= b.started_at for a, b in pairwise(mine)), "one at a time a monitor"
