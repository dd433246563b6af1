"""A scheduler that runs: triggers follow the monitors table and become slots."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from monitor.domain.document import differences
from monitor.domain.monitor import Document, Monitor
from monitor.jobs.context import Context
from monitor.scheduling.slots import Scheduler, offer
from monitor.storage import configuration, runs, tables


def watch(context: Context, pull: str) -> None:
    monitor = {"name": "host", "kind": "sensor", "source": {"kind": "host"}, "schedule": {"pull": pull}}
    document = Document(monitors=[Monitor.model_validate(monitor)])
    with context.database.write() as session:
        configuration.carry_out(session, differences(Document(), document)[0], document, context.now())


def slots(context: Context, job: str) -> list[str]:
    with context.database.read() as session:
        return list(session.scalars(sa.select(tables.runs.c.slot).where(tables.runs.c.job == job)))


def test_a_started_scheduler_offers_the_slots_that_are_due(context: Context) -> None:
    watch(context, "1s")
    scheduler = Scheduler(context)
    scheduler.start()
    try:
        scheduler.look()
        end = time.monotonic() + 20
        while not slots(context, "pull") and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        scheduler.stop()
    assert len(slots(context, "pull")) == 1  # a slot that waits is not offered again


def test_a_monitor_that_is_removed_is_forgotten(context: Context) -> None:
    watch(context, "1d")
    scheduler = Scheduler(context)
    scheduler.start()
    try:
        scheduler.look()
        before = set(scheduler.kept)
        with context.database.write() as session:
            session.execute(sa.update(tables.monitors).values(deleted_at=context.now()))
        scheduler.look()
    finally:
        scheduler.stop()
    assert before == {"all/prune", "monitor:1/pull", "monitor:1/train"}
    assert set(scheduler.kept) == {"all/prune"}


def test_a_clock_that_was_a_day_ahead_and_is_put_right_does_not_stop_the_pulls(context: Context) -> None:
    watch(context, "5m")
    ahead = [timedelta(days=1)]
    scheduler = Scheduler(replace(context, now=lambda: context.now() + ahead[0]))
    scheduler.clock.start(paused=True)
    try:
        scheduler.look()
        offer(scheduler.context, "pull", 1, scheduler.context.now())
        ahead[0] = timedelta(0)
        scheduler.look()
        due = scheduler.clock.get_job("monitor:1/pull").next_run_time
    finally:
        scheduler.stop()
    assert due - datetime.now(UTC) <= timedelta(minutes=5)
    with context.database.read() as session:  # what waited for tomorrow would keep all later slots out
        assert runs.waiting(session, ["pull"], context.now())
