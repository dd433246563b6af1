"""A worker that is stopped for longer than its lease, and woken after another has done its work."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

import sqlalchemy as sa

from monitor.app import open_context, perform
from monitor.domain.run import Run
from monitor.jobs.context import Context
from monitor.jobs.running import execute, holder
from monitor.scheduling.watch import Watch
from monitor.storage import runs, tables
from monitor.storage.database import Session
from tests.chaos.ground import Ground
from tests.chaos.invariants import broken, unfinished
from tests.chaos.kills import settle
from tests.chaos.victim import Order, Victim, smaller, work

LEASE = 1.0  # seconds
AT = 3  # the write before which the worker is stopped


class Paused(Context):
    """A context that stops its process before a write, outside of any transaction, as a full machine might."""

    @contextmanager
    def write(self, run: Run) -> Iterator[Session]:
        with (
            ALONE
        ):  # the heartbeat has no transaction open then either: SQLite would have all others wait for it
            if threading.current_thread() is threading.main_thread() and next(WRITES) == AT:
                os.kill(os.getpid(), signal.SIGSTOP)
            with super().write(run) as session:
                yield session


ALONE, WRITES = threading.Lock(), itertools.count(1)


def pausing(order: Order, reports: Connection) -> None:
    """Claim and execute one run; report that it began, and at the end what came of it."""
    os.environ.update(order.environment)
    smaller()
    made = open_context(order.settings)
    context = Paused(made.settings, made.database)
    [(job, run_id)] = order.runs
    with context.database.write() as session:
        run = runs.claim(session, [job], holder(), context.now(), LEASE, run_id=run_id)
    assert run is not None
    reports.send(run.run_id)
    reports.send(execute(context, run, perform(job)))


def overtaken(ground: Ground, job: str) -> list[str]:
    """Stop a worker in the midst of a job for twice its lease, let another take over, wake it: what is wrong then."""
    context = replace(
        ground.context, settings=ground.context.settings.model_copy(update={"lease_seconds": LEASE})
    )
    run_id = ground.ask(job)
    order = Order([(job, run_id)], context.settings, ground.environment)
    sleeper = Victim(pausing, order)
    assert sleeper.hear() == run_id
    _until_stopped(sleeper)
    watch, until, freed = Watch(context), time.monotonic() + 2 * LEASE, 0
    while time.monotonic() < until:
        freed += watch.look()
        time.sleep(LEASE / 10)
    other = Victim(work, order)
    took = other.hear() is not None
    other.wait()
    before = _written(context)
    os.kill(sleeper.pid, signal.SIGCONT)
    claims = sleeper.hear()
    code = sleeper.wait()
    found = broken(context, ground.world)
    if (freed, took, claims, code) != (1, True, None, 0):
        found.append(f"freed {freed}, taken over {took}, the sleeper says {claims} and ends with {code}")
    if _written(context) != before:
        found.append(f"the sleeper wrote: {before} became {_written(context)}")
    settle(ground)
    found += broken(context, ground.world) + unfinished(context, ground.world)
    return [f"{job}, stopped for twice its lease: {words}" for words in found]


def _until_stopped(sleeper: Victim) -> None:
    status = f"/proc/{sleeper.pid}/stat"
    while True:
        with open(status) as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        time.sleep(0.02)


def _written(context: Context) -> list[tuple[object, ...]]:
    """All that a pull or a score could have changed."""
    v, m = tables.versions.c, tables.monitors.c
    with context.database.read() as session:
        marks = session.execute(sa.select(v.version_id, v.scored_through).order_by(v.version_id)).all()
        counts = session.execute(sa.select(m.pulled, m.stored, m.quarantined, m.known, m.next_reading)).all()
        ended = session.execute(sa.select(tables.runs).order_by(tables.runs.c.run_id)).all()
        rows = session.execute(
            sa.select(sa.func.count(), sa.func.max(tables.scores.c.scored_at)).select_from(tables.scores)
        )
        return [tuple(r) for r in [*marks, *counts, *ended, *rows.all()]]
