"""What nobody needs any more goes, in small batches; what somebody decided on goes only where a monitor says so."""

import time
from datetime import timedelta

from monitor.domain.monitor import Retention
from monitor.domain.run import NOTHING_NEW, Outcome, Request, Run
from monitor.domain.writing import counted
from monitor.jobs.context import Context
from monitor.storage import audit, erasures, monitors, pruning, retention, runs, versions
from monitor.storage.monitors import Watched

KEEP_IDLE = timedelta(days=1)  # a monitor that pulls every five seconds would fill the page with them
SECONDS = 30.0  # of deleting in one run: a worker that prunes pulls nothing meanwhile
TOLD = ("readings", "scores", "alerts", "quarantine")  # whose going leaves a line in the trail
BACK = 5  # champions before the present one whose models stay, to roll back to
KEEP_MODELS = timedelta(days=14)  # of versions that were never champion


def prune(context: Context, run: Run) -> Outcome:
    """Delete what is older than each monitor keeps it, for a while; what is left then is another run's work."""
    until = time.monotonic() + SECONDS
    with context.write(run) as session:
        totals = {"idle": runs.forget(session, context.now() - KEEP_IDLE, message=NOTHING_NEW)}
        totals["models"] = versions.empty(session, BACK, context.now() - KEEP_MODELS)
    totals["runs"] = _installation(context, run)
    with context.database.read() as session:
        watched = monitors.everyone(session)
    done = True
    for each in watched:
        gone, finished = _monitor(context, run, each, until)
        done = done and finished
        for name, number in gone.items():
            totals[name] = totals.get(name, 0) + number
    totals["models"] += _models(context, run)
    follow = [] if done else [Request("prune", None, f"after-{run.run_id}")]
    return Outcome(_sentence(totals) + ("" if done else "; goes on in another run"), totals, follow)


def _monitor(context: Context, run: Run, watched: Watched, until: float) -> tuple[dict[str, int], bool]:
    """Rows deleted, by table, and whether nothing is left."""
    with context.database.read() as session:
        waiting = retention.counts(session, watched, context.now())
    gone: dict[str, int] = {}
    for name, number in waiting.items():
        while time.monotonic() < until and (done := _batch(context, run, watched.monitor_id, name)):
            gone[name] = gone.get(name, 0) + done
            context.progress(run, min(gone[name] / number, 1.0), f"{watched.config.name}: {name}")
    if told := {name: gone[name] for name in TOLD if gone.get(name)}:
        with context.write(run) as session:
            subject = f"monitor:{watched.config.name}"
            audit.append(session, context.now(), run.actor, "retention.pruned", subject, told)
    return gone, all(gone.get(name, 0) >= number for name, number in waiting.items())


def _batch(context: Context, run: Run, monitor_id: int, name: str) -> int:
    """One transaction's worth, asked anew: somebody may have set a hold or removed the monitor meanwhile."""
    with context.write(run) as session:
        watched = monitors.anyone(session, monitor_id)
        query = retention.due(session, watched, name, context.now())
        return pruning.batch(session, watched, name, query) if query is not None else 0


def _models(context: Context, run: Run) -> int:
    """Models that hold rows of an erased entity go once another version is champion."""
    emptied = 0
    with context.write(run) as session:
        for erasure_id, waiting in erasures.pending(session).items():
            found = [versions.get(session, version_id) for version_id in waiting]
            dropped = [v for v in found if versions.drop_bundle(session, v.version_id)]
            for version in dropped:
                detail = {"version": version.number, "sha256": version.sha256}
                subject = f"erasure:{erasure_id}"
                audit.append(session, context.now(), run.actor, "version.emptied", subject, detail)
                emptied += 1
            erasures.still(session, erasure_id, [v.version_id for v in found if v not in dropped])
    return emptied


def _installation(context: Context, run: Run) -> int:
    before = context.now() - (Retention().runs or timedelta(0))
    total = 0
    while True:
        with context.write(run) as session:
            done = pruning.batch(session, None, "runs", retention.installation_runs(session, before))
        if not done:
            return total
        total += done


WORDS = {
    "idle": ("run that brought nothing", "runs that brought nothing"),
    "models": ("model of an old version", "models of old versions"),
    "quarantine": ("quarantined row", None),
}


def _sentence(totals: dict[str, int]) -> str:
    parts = [
        counted(number, *WORDS.get(name, (name.removesuffix("s"), None)))
        for name, number in totals.items()
        if number
    ]
    return f"{', '.join(parts)} dropped" if parts else "nothing was old enough to be dropped"
