"""The processes that are killed: forked from a server that has imported everything and opened nothing yet."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from monitor.app import open_context, perform
from monitor.jobs.running import execute, holder
from monitor.scheduling.watch import Watch
from monitor.settings import Settings
from monitor.sources import open_source
from monitor.sources.base import Batch, Cursor
from monitor.storage import runs
from monitor.storage.crash import FAIL_POINT

SMALL = 100  # rows of a page and of a batch, so that a job of a few hundred rows has several commits
PATIENCE = 120.0  # seconds that any victim may take
JOBS = [
    "monitor.jobs.backup",
    "monitor.jobs.notify",
    "monitor.jobs.promote",
    "monitor.jobs.pull",
    "monitor.jobs.score",
    "monitor.jobs.train",
]
SERVING = ["tests.chaos.victim", *JOBS, "monitor.detection.detector", "onnxruntime", "pyarrow.pandas_compat"]
TRAINING = ["monitor.training.fit", "onnx", "torch.onnx"]


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(SERVING)


def with_torch() -> None:
    """Have torch in the server before it forks its first: that takes seconds, and then no victim waits for it."""
    FORKS.set_forkserver_preload([*SERVING, *TRAINING])


@dataclass(frozen=True)
class Order:
    """What a victim shall do: claim runs and execute them, dying at ``point`` (empty: nowhere)."""

    runs: list[tuple[str, int]]  # job, run_id
    settings: Settings
    environment: dict[str, str]
    point: str = ""
    largest_file: int | None = None  # bytes that a file may grow to
    patience: float | None = None  # seconds of waiting for another's lock


class Victim:
    """A process of its own that reports when its job begins and when it has ended."""

    def __init__(self, target: Callable[..., None], order: Any) -> None:
        self.reports, theirs = multiprocessing.Pipe(duplex=False)
        self.process = FORKS.Process(target=target, args=(order, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self, seconds: float = PATIENCE) -> Any:
        """The next report; None when the process ended without one."""
        try:
            return self.reports.recv() if self.reports.poll(seconds) else None
        except EOFError:
            return None

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it may have ended a moment ago
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """The exit code; negative for a signal."""
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.kill()
            self.process.join()
            raise TimeoutError(f"a victim was still at work after {PATIENCE:.0f} s")
        self.reports.close()
        return self.process.exitcode


def work(order: Order, reports: Connection) -> None:
    """Each run as a worker does it: claim, execute, end."""
    os.environ.update(order.environment)
    os.environ[FAIL_POINT] = order.point
    smaller()
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, resource.RLIM_INFINITY))
    if order.patience is not None:
        import_module("monitor.storage.database").BUSY_SECONDS = order.patience
    context = open_context(order.settings)
    Watch(context).look()
    for job, run_id in order.runs:
        if job == "train":
            import_module(
                "monitor.training.fit"
            )  # what takes seconds and writes nothing comes before the job
        with context.database.write() as session:
            run = runs.claim(
                session, [job], holder(), context.now(), context.settings.lease_seconds, run_id=run_id
            )
        if run is not None:
            reports.send("torch" in sys.modules)
            execute(context, run, perform(job))
    context.close()


class Page:
    """A source that gives its rows in small pages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.source: Any = open_source(*arguments, **options)

    def read(self, cursor: Cursor) -> Batch:
        return self.source.read(cursor, SMALL)


def smaller() -> None:
    """Several commits a job, and a claim on a notification that runs out at once when its sender died."""
    import_module("monitor.jobs.pull").open_source = Page
    import_module("monitor.jobs.score").BATCH = SMALL
    import_module("monitor.jobs.notify").CLAIMED = 0.2
