"""A database that is locked or goes away: a bounded wait, no batch lost, none twice."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.jobs.context import Context
from monitor.storage import runs
from tests.chaos.ground import Ground
from tests.chaos.invariants import broken, unfinished
from tests.chaos.victim import Order, Victim, work

SHORT = 0.3  # seconds of patience


@pytest.fixture
def ground(context: Context, tmp_path: Path) -> Ground:
    """A monitor with one batch stored and more to come."""
    made = Ground(context, tmp_path, 9, seed=1)
    made.feed(50)
    assert _wait(_start(made, made.ask("pull")), made) == 0
    made.feed(250, bad=3, again=3, corrected=3)
    return made


@contextmanager
def locked(context: Context) -> Iterator[None]:
    """Another writer, which holds what a pull needs."""
    if context.database.dialect == "sqlite":
        other = sqlite3.connect(str(context.database.url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
    else:
        with context.database.engine.connect() as connection:
            connection.exec_driver_sql("LOCK TABLE readings_boiler IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()


def _start(ground: Ground, run_id: int, patience: float | None = None) -> Victim:
    return Victim(work, Order([("pull", run_id)], ground.context.settings, {}, patience=patience))


def _wait(victim: Victim, ground: Ground) -> int | None:
    code = victim.wait()
    assert broken(ground.context, ground.world) == []
    return code


def _whole(ground: Ground) -> None:
    assert _wait(_start(ground, ground.ask("pull")), ground) == 0
    assert unfinished(ground.context, ground.world) == []


def test_a_pull_waits_for_another_writer_and_then_stores_everything_once(ground: Ground) -> None:
    run_id = ground.ask("pull")
    with locked(ground.context):
        victim = _start(ground, run_id)
        time.sleep(1.0)
        assert victim.process.is_alive()
    assert _wait(victim, ground) == 0
    assert unfinished(ground.context, ground.world) == []


def test_a_lock_that_is_held_too_long_is_told_and_no_batch_is_lost(ground: Ground) -> None:
    run_id, began = ground.ask("pull"), time.monotonic()
    with locked(ground.context):
        _start(ground, run_id, SHORT).wait()
    assert broken(ground.context, ground.world) == []
    assert time.monotonic() - began < 30
    with ground.context.database.read() as session:
        row = runs.get(session, run_id)
    # put back with the reason, or left by a worker that could not even do that
    reason = {"sqlite": None, "postgresql": "canceling statement due to lock timeout"}[
        ground.context.database.dialect
    ]
    assert row["state"] in ("queued", "running")
    assert reason is None or reason in row["message"]
    _whole(ground)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("after", [0.0, 0.1, 0.2])
def test_a_server_that_drops_every_connection_in_the_midst_of_a_pull_costs_nothing(
    ground: Ground, after: float
) -> None:
    victim = _start(ground, ground.ask("pull"))
    victim.hear()
    time.sleep(after)
    with ground.context.database.engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    _wait(victim, ground)
    _whole(ground)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_transaction_that_was_left_open_is_ended_by_the_server(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.storage.database.IDLE_SECONDS", SHORT)
    left = type(context.database)(context.settings.url)
    with left.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        time.sleep(3 * SHORT)
        with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction"):
            connection.exec_driver_sql("SELECT 1")
        connection.invalidate()
    left.close()
