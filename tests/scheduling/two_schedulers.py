"""One of two processes that share a database: a real scheduler and a real worker, whose work is a stand-in.

``python two_schedulers.py FLAKY``: the first attempt of each run of monitors 1 to FLAKY meets a fault that may pass.
It begins at the first line on stdin, offers no more slots after the second, works until SIGTERM, and then prints how
many slots were put into the queue by its own scheduler.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from monitor.app import open_context
from monitor.domain.errors import SourceUnavailable
from monitor.domain.run import Outcome, Run
from monitor.jobs import running
from monitor.jobs.context import Context
from monitor.scheduling import slots, worker
from monitor.scheduling.stop import Stop
from monitor.storage import audit

FLAKY = int(sys.argv[1])
offered: list[int] = []


def perform(_job: str) -> Callable[[Context, Run], Outcome]:
    return attempt


def attempt(context: Context, run: Run) -> Outcome:
    """Leave a line in the trail, so that a slot that ran twice is seen."""
    time.sleep(0.01)  # work outside of the database, in which the other process claims
    if run.monitor_id is not None and run.monitor_id <= FLAKY and run.attempt == 1:
        raise SourceUnavailable("the source is away for a moment")
    with context.write(run) as session:
        subject = f"{run.monitor_id}/{run.job}/{run.slot}"
        audit.append(session, context.now(), running.holder(), "slot.ran", subject, {})
    return Outcome("done")


def counted(context: Context, job: str, monitor_id: int | None, fired: datetime) -> int | None:
    run_id = OFFER(context, job, monitor_id, fired)
    if run_id is not None and job == "pull":
        offered.append(run_id)
    return run_id


def look(scheduler: slots.Scheduler) -> None:
    sys.stdin.readline()
    scheduler.start()
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    while not stop.wait(0.2):
        scheduler.look()
    scheduler.stop()


OFFER, slots.offer = slots.offer, counted
worker.perform = perform
worker.LOOK = 0.05
running.WAIT = 0.3
stop = Stop()
stop.on_signals()
context = open_context()
threading.Thread(target=look, args=(slots.Scheduler(context),), daemon=True).start()
print("ready", flush=True)
with suppress(running.Stopped):
    worker.work(context, "data", os.getppid(), stop)
print(len(offered), flush=True)
context.close()
