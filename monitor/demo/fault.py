"""Faults on demand: a small file asks the running feeder for one, so any process can ask."""

import os
from pathlib import Path

from monitor.demo.folder import feeds_folder, running
from monitor.domain.errors import MonitorError, UnknownError

TICK = 5.0  # seconds between two looks of the feeder
FEEDS = {
    "shuttle": "for half a minute the converter is stuck at full scale: all nine channels read 32,767",
    "payments": "five small payments test a card far from its home, then three large ones follow",
}


def break_feed(home: Path, monitor: str = "shuttle") -> str:
    """Ask for a fault in a feed of the running demo; it is written at the feeder's next tick.

    Args:
        home: the demo's MONITOR_HOME.
        monitor: shuttle or payments.

    Returns:
        A sentence that says what will be written and when.

    Raises:
        UnknownError: there is no such feed.
        MonitorError: the demo does not run, so nobody would write the fault.
    """
    if monitor not in FEEDS:
        raise UnknownError("feed that can be broken", monitor, sorted(FEEDS))
    if not running(home):
        raise MonitorError(
            f"no demo is running in {home}; start it with `make demo`, or set MONITOR_HOME to its home"
        )
    _write(request(feeds_folder(home), monitor), "")
    return f"{monitor}: within {TICK:.0f} s, {FEEDS[monitor]}"


def request(folder: Path, monitor: str) -> Path:
    return folder / f"break-{monitor}"


def asked(folder: Path, monitor: str) -> bool:
    return request(folder, monitor).exists()


def written(folder: Path, monitor: str, ticks: int) -> None:
    """One tick of the fault is in the feed: count it, and forget the request when all ``ticks`` are."""
    path = request(folder, monitor)
    done = len(path.read_text()) + 1
    if done >= ticks:
        path.unlink()
    else:
        _write(path, "x" * done)


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)
