"""``monitor up``: the scheduler in this process; workers, dashboard and feeds as children that are kept alive."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing

import structlog

from monitor.app import open_context
from monitor.scheduling import slots
from monitor.scheduling.children import LANES, SUPERVISED
from monitor.settings import Settings
from monitor.storage import presence
from monitor.storage.database import OperationalFault, reason

log = structlog.get_logger()
GRACE = 12.0  # seconds between asking children to end and ending them
AGAIN = 1.0  # seconds before a child that ended is started again, doubling up to LONGEST
LONGEST = 60.0


class Child:
    """One command that should be running."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.command, self.environment = list(command), environment
        self.wait, self.due = AGAIN, 0.0
        self.started = 0.0
        self.running: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start it, or start it again a little later each time it ends by itself."""
        now = time.monotonic()
        if self.running is not None and self.running.poll() is not None:
            log.warning("child ended", command=self.command[1:], code=self.running.returncode)
            self.wait = AGAIN if now - self.started > LONGEST else min(LONGEST, self.wait * 2)
            self.due, self.running = now + self.wait, None
        if self.running is None and now >= self.due:
            self.started = now
            # a group of its own: Ctrl-C in a terminal reaches this process, which ends the children in order
            self.running = subprocess.Popen(self.command, env=self.environment, process_group=0)  # noqa: S603  our own commands

    def ask(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)

    def end(self, until: float) -> None:
        if self.running is None:
            return
        try:
            self.running.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("child killed", command=self.command[1:])
            self.running.kill()
            self.running.wait()


def up(
    settings: Settings, port: int = 8501, *, dashboard: bool = True, extra: Sequence[Sequence[str]] = ()
) -> None:
    """Run until SIGINT or SIGTERM, then end everything within seconds."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    children = [Child(c, _environment(settings)) for c in _commands(settings, port, dashboard, extra)]
    with closing(open_context(settings)) as context, presence.staying(context.database):
        scheduler = slots.Scheduler(context)
        try:
            scheduler.start()
            while not stop.is_set():
                for child in children:
                    child.look()
                _look(scheduler)
                stop.wait(slots.LOOK)
        finally:
            scheduler.stop()
            for child in children:
                child.ask()
            until = time.monotonic() + GRACE
            for child in children:
                child.end(until)


def _look(scheduler: slots.Scheduler) -> None:
    """A database that is away for a while stops nothing: the next look tries again."""
    try:
        scheduler.look()
    except OperationalFault as fault:
        log.warning("the database does not answer", reason=reason(fault))


def _commands(
    settings: Settings, port: int, dashboard: bool, extra: Sequence[Sequence[str]]
) -> list[list[str]]:
    python = [sys.executable, "-m"]
    lanes = zip(LANES, (settings.workers, settings.trainers), strict=True)
    workers = [[*python, "monitor.scheduling.worker", lane] for lane, count in lanes for _ in range(count)]
    page = [[*python, "monitor", "dashboard", "--port", str(port)]] if dashboard else []
    return [*workers, *page, *(list(c) for c in extra)]


def _environment(settings: Settings) -> dict[str, str]:
    """Children read the same settings; one thread each, since there is a process a core."""
    return {
        **os.environ,
        SUPERVISED: "1",
        "MONITOR_HOME": str(settings.home),
        "MONITOR_DATABASE_URL": settings.database_url,
        "MONITOR_LOG": os.environ.get("MONITOR_LOG", "info"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
