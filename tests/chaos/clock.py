"""Run under libfaketime, whose clock the test moves: a scheduler, a worker, and one run that takes the whole time.

``python -m tests.chaos.clock FILE``; the long run ends when FILE is there.
"""

import os
import sys
import threading
import time
from pathlib import Path


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


time.sleep = _sleep  # libfaketime 0.9.10 refuses clock_nanosleep in the way CPython calls it

from monitor.app import open_context  # noqa: E402  after the clock is mended
from monitor.domain.run import Outcome, Request, Run  # noqa: E402
from monitor.jobs.context import Context  # noqa: E402
from monitor.jobs.running import execute, holder  # noqa: E402
from monitor.scheduling import slots, worker  # noqa: E402
from monitor.scheduling.stop import Stop  # noqa: E402
from monitor.storage import runs  # noqa: E402


def long_run(context: Context, end: Path) -> None:
    """Hold a lease from before the first step of the clock until after the last."""

    def wait(_context: Context, _run: Run) -> Outcome:
        while not end.exists():
            time.sleep(0.05)
        return Outcome("waited")

    with context.database.write() as session:
        run_id = runs.offer(session, Request("promote", 1, "long"), "tester", context.now())
        run = runs.claim(session, ["promote"], holder(), context.now(), 60, run_id=run_id)
    assert run is not None
    execute(context, run, wait)


def main(end: Path) -> None:
    context = open_context()
    waiting = threading.Thread(target=long_run, args=(context, end))
    waiting.start()
    threading.Thread(target=worker.work, args=(context, "data", os.getppid(), Stop()), daemon=True).start()
    scheduler = slots.Scheduler(context)
    scheduler.start()
    print("ready", flush=True)
    while waiting.is_alive():
        scheduler.look()
        time.sleep(0.3)
    scheduler.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
