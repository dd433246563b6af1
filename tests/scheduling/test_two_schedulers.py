"""Two schedulers on one database: every slot runs once."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import sqlalchemy as sa

from monitor.domain.monitor import Monitor
from monitor.jobs.context import Context
from monitor.storage import tables

MONITORS, ROUNDS = 20, 5

SCHEDULER = """
import sys, time
from datetime import UTC, datetime, timedelta

from monitor.app import open_context
from monitor.domain.run import Outcome
from monitor.jobs.running import execute, holder
from monitor.scheduling import slots
from monitor.storage import audit, runs

monitors, rounds = int(sys.argv[1]), int(sys.argv[2])
context = open_context()
print("ready", flush=True)
sys.stdin.readline()  # both begin at once

def perform(context, run):
    time.sleep(0.02)  # work outside of the database, in which the other scheduler claims
    with context.write(run) as session:
        audit.append(session, context.now(), holder(), "slot.ran", f"{run.monitor_id}/{run.slot}", {})
    return Outcome("done")

def claim():
    with context.database.write() as session:
        return runs.claim(session, ["pull"], holder(), context.now(), 60)

for n in range(rounds):
    slot = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=n)
    for monitor_id in range(1, monitors + 1):
        slots.offer(context, "pull", monitor_id, slot)
    while True:
        run = claim()
        if run is not None:
            execute(context, run, perform)
            continue
        with context.database.read() as session:
            if not runs.waiting(session, ["pull"], context.now()):
                break
        time.sleep(0.01)
"""


def test_two_schedulers_run_each_of_100_slots_once(context: Context) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with context.database.write() as session:
        for n in range(MONITORS):
            config = Monitor.model_validate(
                {"name": f"m{n}", "kind": "tabular", "source": {"kind": "files", "path": "none.csv"}}
            )
            session.execute(
                sa.insert(tables.monitors).values(
                    name=config.name,
                    document=config.model_dump(mode="json"),
                    cursor={},
                    notices=[],
                    created_at=now,
                )
            )
    environment = os.environ | {
        "MONITOR_DATABASE_URL": context.settings.url,
        "MONITOR_HOME": str(context.settings.home),
    }
    command = [sys.executable, "-c", SCHEDULER, str(MONITORS), str(ROUNDS)]
    both = [
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out[-2000:]
    with context.database.read() as session:
        ran = session.execute(sa.select(tables.audit.c.subject, tables.audit.c.actor)).all()
        states = Counter(session.scalars(sa.select(tables.runs.c.state)))
    assert Counter(Counter(subject for subject, _ in ran).values()) == {1: MONITORS * ROUNDS}
    assert states == {"done": MONITORS * ROUNDS}
    assert len({actor for _, actor in ran}) == 2
