"""A worker process: claims the next run of its lane, does it, looks again; ends with its parent.

``python -m monitor.scheduling.worker data|train``
"""

import os
import signal
import sys
import time
from contextlib import closing
from types import FrameType

import structlog

from monitor.app import open_context, perform
from monitor.domain.run import Run
from monitor.jobs.context import Context
from monitor.jobs.running import Stopped, execute, holder
from monitor.scheduling.children import LANES, end_with_parent
from monitor.scheduling.watch import Watch
from monitor.storage import runs
from monitor.storage.database import DatabaseFault, damage, reason

log = structlog.get_logger()
LOOK = 0.5  # seconds between two looks at an empty queue


def work(context: Context, lane: str, parent: int) -> None:
    """Until the parent is gone or a signal comes."""
    me = holder()
    while os.getppid() == parent:
        with context.database.read() as session:
            waiting = runs.waiting(session, LANES[lane], context.now())
        run = _claim(context, lane, me) if waiting else None
        if run is None:
            time.sleep(LOOK)
        else:
            execute(context, run, perform(run.job))


def _claim(context: Context, lane: str, me: str) -> Run | None:
    with context.database.write() as session:
        return runs.claim(session, LANES[lane], me, context.now(), context.settings.lease_seconds)


def stop_on_signals() -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)  # one is enough; the end must not be interrupted
        raise Stopped

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)


def main(lane: str) -> int:
    end_with_parent()
    parent = os.getppid()
    stop_on_signals()
    try:
        with closing(open_context()) as context:
            Watch(context).look()
            work(context, lane, parent)
    except Stopped:
        log.info("worker stopped", lane=lane)
    except DatabaseFault as fault:  # full, failing, away: the next worker begins from what was committed
        log.error("worker ends; it is started again", lane=lane, reason=str(damage(fault) or reason(fault)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
