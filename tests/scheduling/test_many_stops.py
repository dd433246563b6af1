"""A worker may be asked to stop at any instant: it ends well, and no run is lost."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling.supervisor import GRACE
from monitor.storage import runs, tables

PROCESS = Path(__file__).with_name("many_stops.py")
TIMES, RUNS, SEED = 40, 3000, 7
R = tables.runs.c


def environment(context: Context) -> dict[str, str]:
    return os.environ | {
        "MONITOR_DATABASE_URL": context.settings.url,
        "MONITOR_HOME": str(context.settings.home),
        "MONITOR_LOG": "error",
    }


@pytest.mark.slow
def test_a_worker_that_is_stopped_at_any_instant_ends_well_and_loses_no_run(context: Context) -> None:
    with context.database.write() as session:
        for n in range(RUNS):
            runs.offer(session, Request("prune", None, f"s{n}"), "schedule", context.now())
    done = subprocess.run(
        [sys.executable, str(PROCESS), str(TIMES), str(SEED)], env=environment(context), text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["0 0"] * TIMES, "each ended with 0 and left nothing under way"
    with context.database.read() as session:
        states = dict(session.execute(sa.select(R.state, sa.func.count()).group_by(R.state)).all())
    assert sum(states.values()) == RUNS
    assert set(states) == {"done", "queued"}, "what was stopped waits in the queue"


def run_row(context: Context, run_id: int) -> tuple[str, str]:
    with context.database.read() as session:
        row = runs.get(session, run_id)
    return row["state"], row["message"]


def test_a_stop_does_not_wait_for_a_source_that_is_being_read(context: Context, tmp_path: Path) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS id FROM c"
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute(f"CREATE VIEW slow AS {endless}")
    source.close()
    monitor = {"name": "m", "kind": "tabular", "key": ["id"],
               "source": {"kind": "sql", "url": f"sqlite:///{tmp_path / 'source.db'}", "query": "select * from slow",
                          "cursor": ["id"]}}  # fmt: skip
    apply(context, Document.model_validate({"monitors": [monitor]}), "tester")
    with context.database.write() as session:
        session.execute(sa.delete(tables.runs))
        run_id = runs.offer(session, Request("pull", 1, "s"), "schedule", context.now())
    assert run_id is not None
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.scheduling.worker", "data"], env=environment(context)
    )
    try:
        until = time.monotonic() + 60
        while run_row(context, run_id)[0] != "running" and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1.0)  # until it reads
        process.send_signal(signal.SIGTERM)
        assert process.wait(GRACE) == 0
    finally:
        process.kill()
        process.wait()
    assert run_row(context, run_id) == ("queued", "stopped by the operator; goes on at the next start")
