"""What a job may touch: the database, the clock, and the fence of its run."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from monitor.domain.run import Run
from monitor.settings import Settings
from monitor.storage import leases, runs
from monitor.storage.crash import fail_point
from monitor.storage.database import Database, Session


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


K = TypeVar("K")
V = TypeVar("V")


class Ahead(Generic[K, V]):
    """Reads one piece in a thread of its own while the job works on the piece before; nothing is written there.

    Who leaves waits for no reading: a source may take minutes, and somebody may have asked the worker to stop.
    A piece is known by all that it was read with. Where that has changed since, it is read again.

    >>> with Ahead(lambda start: list(range(start, start + 2))) as ahead:
    ...     ahead.begin(2)
    ...     ahead.take(0), ahead.take(2)
    ([0, 1], [2, 3])
    """

    def __init__(self, read: Callable[[K], V]) -> None:
        self._read = read
        self._coming: tuple[K, Future[V]] | None = None

    def begin(self, key: K) -> None:
        self._coming = (key, self._begun(key))

    def take(self, key: K) -> V:
        """The piece of ``key``; a fault of the reading is raised here."""
        coming, self._coming = self._coming, None
        return (coming[1] if coming and coming[0] == key else self._begun(key)).result()

    def _begun(self, key: K) -> Future[V]:
        piece: Future[V] = Future()

        def read() -> None:
            try:
                piece.set_result(self._read(key))
            except BaseException as fault:  # whatever it is, it is raised where the piece is taken
                piece.set_exception(fault)

        threading.Thread(target=read, name="ahead", daemon=True).start()
        return piece

    def __enter__(self) -> "Ahead[K, V]":
        return self

    def __exit__(self, *_: object) -> None:
        self._coming = None
