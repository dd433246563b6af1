"""The process that keeps the demo's feeds alive: ``python -m monitor.demo.feeder HOME``."""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from monitor.demo.fault import TICK, asked, written
from monitor.demo.folder import feeds_folder
from monitor.demo.ledger import PaymentsFeed
from monitor.demo.shuttle import ShuttleFeed
from monitor.scheduling.children import end_with_parent


class Feed(Protocol):
    """A source that somebody else owns; all it knows lies in its own file."""

    name: str
    fault_ticks: int

    def create(self, now: datetime) -> None: ...

    def tick(self, now: datetime, fault: bool) -> int: ...


def open_feeds(home: Path, now: datetime) -> list[Feed]:
    """The feeds with their history, made where it is missing."""
    folder = feeds_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    feeds: list[Feed] = [ShuttleFeed(folder), PaymentsFeed(folder)]
    for feed in feeds:
        feed.create(now)
    return feeds


def tick(home: Path, feeds: Sequence[Feed], now: datetime) -> int:
    """One look at the clock: each feed grows, with a fault where one was asked for.

    Returns:
        rows written.
    """
    folder, rows = feeds_folder(home), 0
    for feed in feeds:
        fault = asked(folder, feed.name)
        rows += feed.tick(now, fault)
        if fault:
            written(folder, feed.name, feed.fault_ticks)
    return rows


def main(home: Path) -> int:
    """Grow the feeds until the parent is gone or a signal comes."""
    end_with_parent()
    parent, stop = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    feeds = open_feeds(home, datetime.now(UTC))
    while not stop.wait(TICK) and os.getppid() == parent:
        try:
            tick(home, feeds, datetime.now(UTC))
        except (OSError, sqlite3.OperationalError) as error:
            # a full disk passes; the feed goes on from what its file says
            print(f"the demo's feeds could not grow: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
