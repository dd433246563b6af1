"""Workers that are asked to stop at random instants, one after the other: ``python many_stops.py TIMES SEED``.

Each is forked from this process, which has imported everything, and does stand-ins of a job that keep to the database.
Prints the code with which each ended, and how many runs were under way then though nobody is left.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable

from monitor.app import open_context
from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.scheduling import worker
from monitor.storage import audit, leases, runs

TIMES, SEED = int(sys.argv[1]), int(sys.argv[2])


def perform(_job: str) -> Callable[[Context, Run], Outcome]:
    return work


def work(context: Context, run: Run) -> Outcome:
    for _ in range(3):
        with context.database.read() as session:
            runs.get(session, run.run_id)
    with context.write(run) as session:
        audit.append(session, context.now(), "worker", "run.worked", f"run:{run.run_id}", {})
    return Outcome("done")


def end(code: Callable[[], int]) -> None:
    """Of a forked process, as the interpreter would, but without what it shares with its parent."""
    try:
        os._exit(code())
    except BaseException:  # whatever it is, it is what the test looks for
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(70)


def left() -> int:
    context = open_context()
    with context.database.read() as session:
        held = leases.held(session)
    context.close()
    return len(held)


worker.perform = perform
chance = random.Random(SEED)
for _ in range(TIMES):
    child = os.fork()
    if child == 0:
        end(lambda: worker.main("data"))
    time.sleep(0.1 + chance.random() * 0.15)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), left(), flush=True)
