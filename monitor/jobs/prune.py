"""What nobody needs any more goes: finished runs after a month, pulls that brought nothing after a day."""

from datetime import timedelta

from monitor.domain.run import NOTHING_NEW, Outcome, Run
from monitor.jobs.context import Context
from monitor.storage import runs

KEEP_RUNS = timedelta(days=30)
KEEP_IDLE = timedelta(days=1)  # a monitor that pulls every five seconds would fill the page with them


def prune(context: Context, run: Run) -> Outcome:
    with context.write(run) as session:
        gone = runs.forget(session, context.now() - KEEP_RUNS)
        idle = runs.forget(session, context.now() - KEEP_IDLE, message=NOTHING_NEW)
    message = f"{gone:,} runs older than {KEEP_RUNS.days} days and {idle:,} that brought nothing dropped"
    return Outcome(message, {"runs": gone, "idle": idle})
