"""A worker process: claims the next run of its lane, does it, looks again; ends with its parent.

``python -m monitor.scheduling.worker data|train``
"""

import os
import sys
import time
from contextlib import closing

import structlog

from monitor.app import open_context, perform
from monitor.domain.run import Run
from monitor.jobs.context import Context
from monitor.jobs.running import Stopped, execute, holder
from monitor.scheduling.children import LANES, end_with_parent
from monitor.scheduling.stop import Stop
from monitor.scheduling.watch import Watch
from monitor.storage import presence, runs
from monitor.storage.database import DatabaseFault, damage, reason

log = structlog.get_logger()
LOOK = 0.5  # seconds between two looks at an empty queue


def work(context: Context, lane: str, parent: int, stop: Stop) -> None:
    """Until the parent is gone or a signal comes.

    Raises:
        Stopped: in the midst of a run, which is back in the queue.
    """
    me = holder()
    context.database.around = stop.session
    while os.getppid() == parent and not stop.asked:
        with context.database.read() as session:
            waiting = runs.waiting(session, LANES[lane], context.now())
        run = _claim(context, lane, me) if waiting else None
        if run is None:
            time.sleep(LOOK)
        else:
            execute(context, run, stop.works(perform(run.job)))


def _claim(context: Context, lane: str, me: str) -> Run | None:
    with context.database.write() as session:
        return runs.claim(session, LANES[lane], me, context.now(), context.settings.lease_seconds)


def main(lane: str) -> int:
    end_with_parent()
    parent = os.getppid()
    stop = Stop()
    stop.on_signals()
    try:
        with closing(open_context()) as context, presence.staying(context.database):
            Watch(context).look()
            work(context, lane, parent, stop)
    except Stopped:
        pass  # the run is back in the queue
    except DatabaseFault as fault:  # full, failing, away: the next worker begins from what was committed
        log.error("worker ends; it is started again", lane=lane, reason=str(damage(fault) or reason(fault)))
        return 0 if stop.asked else 1
    if stop.asked:
        log.info("worker stopped", lane=lane)
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(
        code
    )  # a source may still be read in a thread, which need not end well in an interpreter that ends
