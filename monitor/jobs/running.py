"""One claimed run from its claim to its end: the lease is kept alive, every end is a row."""

import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import structlog

from monitor.domain.errors import DatabaseAway, MonitorError, Superseded
from monitor.domain.run import TRIES, Outcome, Run
from monitor.jobs.context import Context
from monitor.storage import leases, runs
from monitor.storage.database import DatabaseFault, OperationalFault, damage, reason

log = structlog.get_logger()
WAIT = 10.0  # seconds before the second try, doubling


class Stopped(BaseException):
    """The operator wants this worker to end now; the run goes back into the queue."""


def holder() -> str:
    """Who holds a lease: this host, process and when it started, so that others can tell whether it lives."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def alive(name: str) -> bool:
    """Whether a holder may still be at work; one on another host, or of another form, always may."""
    host, *told = name.rsplit(":", 2)
    if host != socket.gethostname() or len(told) < 2:
        return True
    pid, born = told
    try:
        process = psutil.Process(int(pid))
        # one that nobody has waited for is dead too, and may stay so for long under a careless init
        return abs(process.create_time() - float(born)) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False


def execute(
    context: Context, run: Run, perform: Callable[[Context, Run], Outcome], *, told: bool = False
) -> Outcome | None:
    """Do the work of a claimed run and write its end; None where it did not succeed.

    told: the caller tells a person what went wrong, so the log does not say it a second time.
    """
    log.info("run started", job=run.job, run=run.run_id, slot=run.slot, attempt=run.attempt)
    try:
        with _beating(context, run):
            outcome = perform(context, run)
    except Superseded as fault:
        log.warning("run superseded", run=run.run_id, reason=str(fault))
        _end(context, run, "done", f"handed over: {fault}", None)
    except MonitorError as fault:
        _fault(context, run, fault, told)
    except OperationalFault as fault:
        _fault(context, run, DatabaseAway(f"the database did not answer: {reason(fault)}"), told)
    except DatabaseFault as fault:
        if (damaged := damage(fault)) is None:
            _unexpected(context, run, fault)
        else:
            _fault(context, run, damaged, told)
    except Stopped:
        _postpone(context, run, "stopped by the operator; goes on at the next start", 0.0)
        raise
    except Exception as fault:
        _unexpected(context, run, fault)
    else:
        _end(context, run, "done", outcome.message, outcome)
        return outcome
    return None


def _unexpected(context: Context, run: Run, fault: Exception) -> None:
    log.exception("run failed", job=run.job, run=run.run_id)
    words = reason(fault) if isinstance(fault, DatabaseFault) else f"in {_place(fault)}; see the log"
    message = f"unexpected fault, please report it: {type(fault).__name__}: {words}"
    _end(context, run, "failed", message, None)


def _place(fault: Exception) -> str:
    """Where in the product it happened; what the fault says itself may hold a cell of somebody's row."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [f for f in frames if f"{os.sep}monitor{os.sep}" in f.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _fault(context: Context, run: Run, fault: MonitorError, told: bool) -> None:
    say = log.info if told else log.warning
    say("run failed", job=run.job, run=run.run_id, reason=str(fault), permanent=fault.permanent)
    if fault.permanent or run.attempt >= TRIES:
        _end(context, run, "failed", str(fault), None)
    else:
        _postpone(context, run, str(fault), WAIT * 2 ** (run.attempt - 1))


def _end(context: Context, run: Run, state: str, message: str, outcome: Outcome | None) -> None:
    """The run's end, the runs that follow it and the freed lease are one transaction."""
    now = context.now()
    try:
        with context.write(run) as session:
            runs.finish(session, run, state, message, outcome.counts if outcome else {}, now)
            for request in outcome.follow if outcome else []:
                runs.offer(session, request, run.actor, now, coalesce=request.job in ("score", "notify"))
            leases.release(session, run.fence)
    except Superseded:
        log.warning("run lost its lease before its end was written", run=run.run_id)


def _postpone(context: Context, run: Run, message: str, seconds: float) -> None:
    try:
        with context.write(run) as session:
            runs.postpone(session, run, message, context.now() + timedelta(seconds=seconds))
            leases.release(session, run.fence)
    except Superseded:
        log.warning("run lost its lease before it was put back", run=run.run_id)


@contextmanager
def _beating(context: Context, run: Run) -> Iterator[None]:
    """Keep the lease alive from a thread of its own while the work goes on."""
    stop = threading.Event()
    every = context.settings.lease_seconds / 4

    def beat() -> None:
        while not stop.wait(every):
            try:
                with context.write(run):
                    pass
            except Superseded:
                return
            except Exception:
                log.exception("heartbeat missed", run=run.run_id)

    thread = threading.Thread(target=beat, name=f"heartbeat-{run.run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)
