"""One job, now, in this process: what the command line does."""

import time
import uuid
from typing import Any

from monitor.app import perform
from monitor.domain.errors import Conflict, MonitorError
from monitor.domain.run import Request
from monitor.jobs.context import Context
from monitor.jobs.running import execute, holder
from monitor.scheduling.watch import Watch
from monitor.storage import monitors, runs

PATIENCE = 30.0  # seconds at least to wait for another run of the same job on the same monitor


def run_now(
    context: Context,
    job: str,
    monitor: str | None,
    actor: str,
    *,
    counts: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a job and what must follow it (a training's gate); returns message and counts.

    Where an earlier run asked for this very job and nobody took it up yet, that request is what is run. What may
    follow, such as scoring after a pull, waits in the queue for a worker or for the next command.

    Raises:
        UnknownError: there is no such monitor.
        Conflict: another run of the job is at work and did not end in time.
        MonitorError: the job failed; the message says why.
    """
    with context.database.write() as session:
        monitor_id = monitors.named(session, monitor).monitor_id if monitor else None
        run_id = runs.following(session, job, monitor_id, context.now()) if not counts else None
        if run_id is None:
            request = Request(job, monitor_id, f"manual-{uuid.uuid4().hex[:12]}", counts or {})
            run_id = runs.offer(session, request, actor, context.now())
    assert run_id is not None
    done = _claimed(context, run_id, job)
    gate_id = _gate(context, monitor_id, run_id) if job == "train" else None
    if gate_id is not None:
        gate = _claimed(context, gate_id, "promote")
        return {"message": f"{done['message']}; {gate['message']}", "counts": done["counts"] | gate["counts"]}
    return done


def _gate(context: Context, monitor_id: int | None, run_id: int) -> int | None:
    """The run that decides on what this training made."""
    with context.database.read() as session:
        return runs.numbered(session, Request("promote", monitor_id, f"after-{run_id}"))


def _claimed(context: Context, run_id: int, job: str) -> dict[str, Any]:
    until = time.monotonic() + max(
        PATIENCE, context.settings.lease_seconds * 1.1
    )  # long enough to see the dead
    watch = Watch(context)
    while True:
        watch.look()
        with context.database.write() as session:
            run = runs.claim(
                session, [job], holder(), context.now(), context.settings.lease_seconds, run_id=run_id
            )
        if run is not None:
            execute(context, run, perform(job), told=True)
        with context.database.read() as session:
            row = runs.get(session, run_id)
        if row["state"] == "done":
            return {"message": row["message"], "counts": row["counts"] or {}}
        if row["state"] == "failed" or (run is not None and row["state"] == "queued"):
            again = "" if row["state"] == "failed" else " (it is queued to be tried again)"
            raise MonitorError(f"{job}: {row['message']}{again}")
        if time.monotonic() > until:
            raise Conflict(
                f"another {job} of this monitor is at work; yours is queued and runs when a worker is free"
            )
        time.sleep(0.2)
