"""Where the demo's feeds lie, and whether a demo is at work on them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.domain.errors import MonitorError


def feeds_folder(home: Path) -> Path:
    return home / "feeds"


@contextmanager
def at_work(home: Path) -> Iterator[None]:
    """Hold the feeds for one demo; the lock ends with the process, however that ends.

    Raises:
        MonitorError: another demo is at work in this home; two would write every row twice.
    """
    folder = feeds_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        if not _locked(file.fileno()):
            raise MonitorError(
                f"a demo is running in {home} already; end it, or give this one another MONITOR_HOME"
            )
        yield


def running(home: Path) -> bool:
    """Whether a demo holds the feeds."""
    lock = feeds_folder(home) / "lock"
    if not lock.exists():
        return False
    with lock.open("r") as file:
        return not _locked(file.fileno())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
