"""The database goes away for a moment: work is put off and nothing is lost or doubled."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.domain.document import differences
from monitor.domain.monitor import Document, Monitor
from monitor.domain.run import Outcome, Request, Run
from monitor.jobs import notify, running
from monitor.jobs.context import Context
from monitor.scheduling import supervisor
from monitor.scheduling.slots import Scheduler
from monitor.storage import audit, configuration, runs, tables
from monitor.storage.database import BUSY_SECONDS, CONNECTIONS

R = tables.runs.c


@contextmanager
def away(context: Context) -> Iterator[None]:
    """SQLite: the file's place cannot be opened. PostgreSQL: connections are ended and refused."""
    context.database.close()
    if context.database.dialect == "sqlite":
        path = Path(context.database.url.database or "")
        os.rename(path, path.with_suffix(".away"))
        path.mkdir()
        try:
            yield
        finally:
            path.rmdir()
            os.rename(path.with_suffix(".away"), path)
        return
    name = context.database.url.database
    admin = sa.create_engine(
        context.database.url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.exec_driver_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    admin.dispose()


def claim(context: Context, later: timedelta = timedelta(0)) -> Run | None:
    with context.database.write() as session:
        return runs.claim(session, ["prune"], running.holder(), context.now() + later, 60)


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def test_a_run_that_met_it_is_tried_again_later_and_writes_once(context: Context) -> None:
    def work(context: Context, run: Run) -> Outcome:
        if run.attempt == 1:
            with away(context), context.write(run):
                raise AssertionError("the database is away")
        with context.write(run) as session:
            audit.append(session, context.now(), "me", "done", "it", {})
        return Outcome("done")

    with context.database.write() as session:
        runs.offer(session, Request("prune", None, "s"), "me", context.now())
    run = claim(context)
    assert run is not None
    assert running.execute(context, run, work) is None
    with context.database.read() as session:
        row = runs.get(session, run.run_id)
    assert (row["state"], row["attempt"]) == ("queued", 1)
    assert row["message"].startswith("the database did not answer: ")
    assert row["not_before"] > context.now()
    assert claim(context) is None, "not before its time"
    again = claim(context, timedelta(minutes=1))
    assert again is not None
    running.execute(context, again, work)
    with context.database.read() as session:
        assert runs.get(session, run.run_id)["state"] == "done"
        assert session.scalar(sa.select(sa.func.count()).select_from(tables.audit)) == 1


def test_a_slot_that_fired_into_it_is_offered_when_it_is_back(context: Context) -> None:
    monitor = {"name": "m", "kind": "tabular", "source": {"kind": "files", "path": "x.csv"},
               "schedule": {"pull": "1d"}}  # fmt: skip
    document = Document(monitors=[Monitor.model_validate(monitor)])
    with context.database.write() as session:
        configuration.carry_out(session, differences(Document(), document)[0], document, context.now())
        missed = Request("pull", 1, "earlier", not_before=context.now() - timedelta(days=3))
        run_id = runs.offer(session, missed, "schedule", context.now())
        session.execute(sa.update(tables.runs).where(R.run_id == run_id).values(state="done"))
    scheduler = Scheduler(context)
    scheduler.start()
    try:
        scheduler.clock.pause()
        scheduler.look()
        assert "monitor:1/pull" in scheduler.kept
        with away(context):
            scheduler.clock.resume()
            assert until(lambda: "monitor:1/pull" not in scheduler.kept)
            supervisor._look(scheduler)  # what `up` does each second ends nothing
        supervisor._look(scheduler)
        assert until(lambda: waiting(context) == 1)
    finally:
        scheduler.stop()


def waiting(context: Context) -> int:
    with context.database.read() as session:
        count = sa.select(sa.func.count()).where(R.job == "pull", R.state == "queued")
        return session.scalar(count) or 0


def test_a_run_that_got_no_connection_in_time_is_tried_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context.database.engine.pool, "_timeout", 0.2)
    with context.database.write() as session:
        runs.offer(session, Request("prune", None, "s"), "me", context.now())
    run = claim(context)
    assert run is not None

    def work(context: Context, run: Run) -> Outcome:
        with ExitStack() as taken:
            for _ in range(CONNECTIONS + 1):
                session = taken.enter_context(context.database.read())
                session.connection()
        raise AssertionError("there is always another one")

    assert running.execute(context, run, work) is None
    with context.database.read() as session:
        row = runs.get(session, run.run_id)
    assert (row["state"], row["attempt"]) == ("queued", 1)
    assert row["message"].startswith("the database did not answer: ")


def test_waiting_for_a_connection_is_bounded_as_waiting_for_a_lock_is(context: Context) -> None:
    pool = context.database.engine.pool
    assert isinstance(pool, sa.QueuePool)
    assert pool._timeout == BUSY_SECONDS
    assert pool.size() + pool._max_overflow == CONNECTIONS
    assert notify.MOST < CONNECTIONS
