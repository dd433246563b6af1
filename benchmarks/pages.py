"""The server's time for each page on a large installation: its queries and its HTML, on SQLite and PostgreSQL.

1 M scores, 100,000 outliers in about 40,000 alerts, of which one monitor has half. ``MONITOR_BENCH_ROWS`` makes it
smaller, ``MONITOR_TEST_POSTGRES_URL`` says where PostgreSQL is. The pages are composed in this process, as the
dashboard's does it; the browser's share is not in it.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

import sqlalchemy as sa

from benchmarks import Claim
from benchmarks.sides import large
from benchmarks.throughput import POSTGRES
from dashboards import budget
from dashboards.views import alerts, monitors, overview, versions
from monitor.storage import pages, schema
from monitor.storage.database import Database

SCORES = int(os.environ.get("MONITOR_BENCH_ROWS", 1_000_000))
OUTLIERS = SCORES // 10
TIMES = 9  # of which the median counts; one more before is not timed
GOAL = 300.0  # ms
NAME = "payments"  # the largest monitor


def run() -> Claim:
    """The slowest page of both databases, at its median."""
    slowest = []
    for kind, where in (("SQLite", _file), ("PostgreSQL", _server)):
        with where() as database:
            schema.upgrade(database)
            now, start = datetime.now(UTC), time.perf_counter()
            large.fill(database, now, SCORES, OUTLIERS)
            print(
                f"{kind}: {SCORES:,} scores, {OUTLIERS:,} outliers, written in {time.perf_counter() - start:.0f} s"
            )
            for name, compose in composed(database, now).items():
                took = timed(compose)
                print(f"{kind}, {name}: {took[0]:.0f} ms at the median, {took[1]:.0f} at most, "
                      f"{took[2]:.0f} of them this process at work", flush=True)  # fmt: skip
                slowest.append((took[0], f"{name} on {kind}"))
            database.close()
    most, which = max(slowest)
    return Claim(
        "pages", most <= GOAL, f"slowest: {which}, {most:.0f} ms", f"each at most {GOAL:.0f} ms at the median"
    )


def composed(database: Database, now: datetime) -> dict[str, Callable[[], object]]:
    """Name -> what makes the page, as its view does."""

    def reading(compose: Callable[..., object]) -> Callable[[], object]:
        def make() -> object:
            with database.read() as session:
                return compose(session)

        return make

    def one(session: object) -> object:
        return monitors.compose(session, pages.fleet(session, NAME)[0], 90, "", now)

    def panel(session: object) -> object:
        return budget.compose(session, pages.fleet(session, NAME)[0], now)

    def inbox(view: str) -> Callable[[], object]:
        def make() -> object:
            desk = alerts.Desk()
            desk.asked["view"] = view
            with patch.object(alerts.st, "query_params", {}):
                return alerts.compose(database, desk, None, "ana", now)

        return make

    return {
        "Overview": reading(lambda session: overview.compose(session, now)),
        "Alerts": inbox("free"),
        "closed alerts": inbox("closed"),
        "Monitors": reading(lambda session: monitors.compose_all(session, now)),
        "one monitor": reading(one),
        "its budget": reading(panel),
        "a version": reading(lambda session: versions.compose(session, NAME, large.VERSIONS, now)),
        "rows left out": reading(
            lambda session: versions.compose_left_out(session, NAME, 3, "all", "0", now)
        ),
    }


def timed(compose: Callable[[], object]) -> tuple[float, float, float]:
    """Median and most by the clock, and median of the processor's time of this process, in ms."""
    took, worked = [], []
    for _ in range(TIMES + 1):
        start, before = time.perf_counter(), time.process_time()
        compose()
        took.append(1000 * (time.perf_counter() - start))
        worked.append(1000 * (time.process_time() - before))
    return statistics.median(took[1:]), max(took[1:]), statistics.median(worked[1:])


@contextmanager
def _file() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        yield Database(f"sqlite:///{folder}/monitor.db")


@contextmanager
def _server() -> Iterator[Database]:
    """A database of the benchmark's own on the PostgreSQL server."""
    name = "monitor_bench_pages"
    engine = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield Database(sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False))
        finally:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
