"""What a job may touch: the database, the clock, and the fence of its run."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.run import Run
from monitor.settings import Settings
from monitor.storage import leases, runs
from monitor.storage.database import Database, Session

FAIL_POINT = "MONITOR_FAIL_POINT"  # of crash tests: "notify.sent"; "pull.before-commit:3" is the third time
_passed: Counter[str] = Counter()


def fail_point(name: str) -> None:
    """Die here, as a power cut would, when a crash test named this point."""
    point, _, times = os.environ.get(FAIL_POINT, "").partition(":")
    if name != point:
        return
    _passed[name] += 1
    if _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """Settings, database and clock, put together once a process in ``monitor.app``."""

    settings: Settings
    database: Database
    now: Callable[[], datetime] = utc_now

    @contextmanager
    def write(self, run: Run) -> Iterator[Session]:
        """A transaction of this run: refused when the run's lease went to another."""
        with self.database.write() as session:
            leases.hold(session, run.fence, self.now(), self.settings.lease_seconds)
            yield session
            fail_point(f"{run.job}.before-commit")
        fail_point(f"{run.job}.after-commit")

    def progress(self, run: Run, fraction: float, message: str) -> None:
        """Let people see how far a long run is; 0 to 1."""
        with self.database.write() as session:
            runs.progress(session, run, fraction, message)

    def close(self) -> None:
        self.database.close()
