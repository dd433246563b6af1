"""What nobody needs any more goes: old runs, pulls that brought nothing, models of versions long past."""

from datetime import timedelta

from monitor.domain.run import NOTHING_NEW, Outcome, Run
from monitor.jobs.context import Context
from monitor.storage import runs, versions

KEEP_RUNS = timedelta(days=30)
KEEP_IDLE = timedelta(days=1)  # a monitor that pulls every five seconds would fill the page with them
BACK = 5  # champions before the present one whose models stay, to roll back to
KEEP_MODELS = timedelta(days=14)  # of versions that were never champion


def prune(context: Context, run: Run) -> Outcome:
    with context.write(run) as session:
        gone = runs.forget(session, context.now() - KEEP_RUNS)
        idle = runs.forget(session, context.now() - KEEP_IDLE, message=NOTHING_NEW)
        models = versions.empty(session, BACK, context.now() - KEEP_MODELS)
    message = (
        f"{gone:,} runs older than {KEEP_RUNS.days} days, {idle:,} that brought nothing "
        f"and {models:,} models of old versions dropped"
    )
    return Outcome(message, {"runs": gone, "idle": idle, "models": models})
