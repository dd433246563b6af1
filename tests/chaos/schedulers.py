"""Several schedulers and workers on one database: each slot becomes one run, and each run is done once."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import sqlalchemy as sa

from monitor.app import open_context
from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import slots, worker
from monitor.scheduling.stop import Stop
from monitor.settings import Settings
from monitor.storage import tables
from tests.chaos.victim import Victim

ROWS = 5  # of the one file that every monitor reads
DAY = timedelta(days=1)
R, M = tables.runs.c, tables.monitors.c


@dataclass(frozen=True)
class Outcome:
    """What a database says after all slots were due once: times: how often a slot was claimed; rows: pulled."""

    slots: int
    runs: int
    done: int
    times: Counter[int]
    monitors_with_all_rows: int
    workers: int

    @property
    def once_each(self) -> bool:
        whole = self.slots == self.runs == self.done == self.monitors_with_all_rows
        return whole and self.times == {1: self.slots}

    def __str__(self) -> str:
        return (
            f"{self.slots} slots, {self.done} runs done by {self.workers} workers, claimed {dict(self.times)}"
        )


def compete(context: Context, folder: Path, count: int, schedulers: int) -> Outcome:
    """``count`` monitors with a slot that is due, and as many schedulers and workers that see it at one moment."""
    _prepare(context, folder, count)
    started = [Victim(role, context.settings) for role in (schedule, claim) for _ in range(schedulers)]
    end = time.monotonic() + 0.5 * count + 60
    while (done := _count(context, R.state == "done")) < count and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(2 * slots.LOOK if done == count else 0)  # whoever would run one again has the time to do so
    for each in started:
        each.kill()
        each.wait()
    return _outcome(context, count)


def schedule(settings: Settings, _reports: Connection) -> None:
    """The scheduler of ``monitor up``, without its children."""
    context = open_context(settings)
    scheduler = slots.Scheduler(context)
    scheduler.start()
    while True:
        scheduler.look()
        time.sleep(slots.LOOK)


def claim(settings: Settings, _reports: Connection) -> None:
    worker.work(open_context(settings), "data", os.getppid(), Stop())


def _prepare(context: Context, folder: Path, count: int) -> None:
    """Monitors that pull once a day and did so two days ago, so that one slot of each is due now."""
    path = folder / "rows.csv"
    path.write_text("id,x\n" + "".join(f"{n},{n * 1.5}\n" for n in range(ROWS)))
    source = {"kind": "files", "path": str(path)}
    each = {
        "kind": "tabular",
        "source": source,
        "key": ["id"],
        "schedule": {"pull": "1d", "train": "0 0 29 2 *"},
    }
    apply(
        context,
        Document.model_validate({"monitors": [{"name": f"m{n}", **each} for n in range(count)]}),
        "chaos",
    )
    then = context.now() - 2 * DAY
    with context.database.write() as session:
        # the run that comes with a new monitor becomes the slot of two days ago
        old = {"actor": "schedule", "slot": "before", "state": "refused", "due_at": then, "finished_at": then}
        session.execute(sa.update(tables.runs).where(R.job == "pull").values(**old))


def _outcome(context: Context, count: int) -> Outcome:
    ours = sa.and_(R.job == "pull", R.slot != "before")
    with context.database.read() as session:
        times = Counter(session.scalars(sa.select(R.attempt).where(ours)))
        full = sa.and_(M.pulled == ROWS, M.stored == ROWS, M.known == 0, M.quarantined == 0)
        whole = session.scalar(sa.select(sa.func.count()).select_from(tables.monitors).where(full)) or 0
        workers = session.scalar(sa.select(sa.func.count(sa.distinct(R.worker))).where(ours)) or 0
    return Outcome(
        count, _count(context, ours), _count(context, sa.and_(ours, R.state == "done")), times, whole, workers
    )


def _count(context: Context, condition: sa.ColumnElement[bool]) -> int:
    with context.database.read() as session:
        found = sa.select(sa.func.count()).select_from(tables.runs).where(R.job == "pull", condition)
        return session.scalar(found) or 0
