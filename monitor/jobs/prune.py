"""What nobody needs any more goes: finished runs after a month."""

from datetime import timedelta

from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.storage import runs

KEEP_RUNS = timedelta(days=30)


def prune(context: Context, run: Run) -> Outcome:
    with context.write(run) as session:
        gone = runs.forget(session, context.now() - KEEP_RUNS)
    return Outcome(f"{gone:,} runs older than {KEEP_RUNS.days} days dropped", {"runs": gone})
