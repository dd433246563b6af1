"""Jobs, reviews and changes of the configuration lock rows in one order: none ends another on PostgreSQL.

SQLite lets one writer in at a time, so there the question does not arise. Each test stops one writer after its first
lock, lets the other run until it waits for that lock, and lets both go on.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.domain.field import Field, Schema
from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs import erase
from monitor.jobs import review as reviewing
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling.slots import Scheduler
from monitor.storage import monitors, pruning, readings, reviews, runs, tables

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
SCHEMA = Schema(fields=(Field(name="amount", type="number"),))


def document(*names: str) -> Document:
    part = {"kind": "tabular", "source": {"kind": "files", "path": "x.csv"}}
    return Document.model_validate({"monitors": [{"name": name, **part} for name in names]})


@pytest.fixture
def installed(context: Context) -> Context:
    """Monitors a and b, each with one row in one alert that is snoozed until a moment ago."""
    apply(context, document("a", "b"), "ana")
    at = context.now() - timedelta(minutes=5)
    with context.database.write() as session:
        for watched in monitors.listed(session):
            n, table = watched.monitor_id, readings.table(watched.config.table, SCHEMA)
            readings.create(session, table)
            values: list[tuple[sa.Table, dict[str, Any]]] = [
                (table, {"reading_id": n, "source_key": "k", "revision": 1, "content_hash": "h", "event_at": at,
                         "ingested_at": at, "run_id": 1, "amount": 9.0}),
                (tables.outliers, {"outlier_id": n, "reading_id": n, "version_id": 1, "monitor_id": n, "event_at": at,
                                   "score": 9.0, "p_value": 1e-5, "reason": "p", "provisional": False,
                                   "explanation": []}),
                (tables.alerts, {"alert_id": n, "public_id": f"a{n}", "monitor_id": n, "queue": "q", "severity": 3,
                                 "state": "snoozed", "snoozed_until": at, "rank": 1.0, "opened_at": at,
                                 "first_event_at": at, "last_event_at": at, "members": 1, "p_value": 1e-5, "why": "w",
                                 "brief": "b", "fields": [], "provisional": False}),
                (tables.alert_members, {"outlier_id": n, "alert_id": n}),
            ]  # fmt: skip
            for into, row in values:
                session.execute(sa.insert(into).values(**row))
    return context


class Meeting:
    """Where the first writer waits until the second one stands behind its lock."""

    def __init__(self, context: Context) -> None:
        self.context, self.held = context, threading.Event()

    def wait(self) -> None:
        self.held.set()
        end = time.monotonic() + 10
        while not self._blocked():
            assert time.monotonic() < end, "the second writer never waited"
            time.sleep(0.02)

    def _blocked(self) -> bool:
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with self.context.database.read() as session:
            return session.execute(sa.text(waiting)).first() is not None

    def run(self, first: Callable[[], object], second: Callable[[], object]) -> None:
        """Both to their ends; a deadlock, which PostgreSQL ends after a second, is raised here."""
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first)
            assert self.held.wait(10)
            two = pool.submit(second)
            for each in (one, two):
                each.result(timeout=30)


def reviewer(
    context: Context, meeting: Meeting, alert_id: int, patch: pytest.MonkeyPatch
) -> Callable[[], object]:
    """A verdict that stops once it has the alert."""
    add = reviews.add

    def stop(*given: Any) -> int:
        meeting.wait()
        return add(*given)

    patch.setattr(reviews, "add", stop)

    def give() -> None:
        with context.database.write() as session:
            reviewing.review(session, alert_id, "true", "ben", context.now(), "press:1")

    return give


def state(context: Context, alert_id: int) -> str:
    with context.database.read() as session:
        return reviews.standing(session, alert_id).state


def test_a_verdict_meets_the_end_of_several_snoozes(
    installed: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(installed)
    meeting.run(reviewer(installed, meeting, 2, monkeypatch), Scheduler(installed).look)
    assert (state(installed, 1), state(installed, 2)) == ("open", "closed")


@pytest.mark.parametrize("alert_id", [1, 2])
def test_a_verdict_meets_the_removal_of_monitors(
    installed: Context, monkeypatch: pytest.MonkeyPatch, alert_id: int
) -> None:
    meeting = Meeting(installed)
    meeting.run(
        reviewer(installed, meeting, alert_id, monkeypatch),
        lambda: apply(installed, document(), "ana", yes=True),
    )
    assert (state(installed, 1), state(installed, 2)) == ("closed", "closed")
    with installed.database.read() as session:
        assert session.execute(sa.select(tables.labels.c.source_key, tables.labels.c.value)).all() == [
            ("k", 1)
        ]
        assert monitors.listed(session) == []


def test_a_pull_meets_the_removal_of_its_monitor(installed: Context) -> None:
    with installed.database.write() as session:
        runs.offer(session, Request("pull", 2, "s"), "me", installed.now())
        run = runs.claim(session, ["pull"], "w", installed.now(), 600)
    assert run is not None
    table = readings.table("readings_b", SCHEMA)
    meeting = Meeting(installed)

    def pull() -> None:
        with installed.write(run) as session:
            meeting.wait()
            session.execute(sa.update(table).values(amount=7.0))
            session.execute(sa.update(tables.monitors).values(stored=1))

    meeting.run(pull, lambda: apply(installed, document(), "ana", yes=True))
    with installed.database.read() as session:
        assert monitors.listed(session) == []


def test_a_prune_meets_an_erasure_of_the_same_rows(
    installed: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, now = readings.table("readings_a", SCHEMA), installed.now()
    with installed.database.write() as session:
        session.execute(sa.update(tables.monitors).values(fields=SCHEMA.model_dump(mode="json")))
        session.execute(sa.update(table).values(entity="c1"))
        session.execute(sa.insert(tables.scores).values(
            reading_id=1, version_id=1, score=9.0, p_value=1e-5, scored_at=now))  # fmt: skip
    meeting, where = Meeting(installed), pruning._where

    def stop(session: Any, into: sa.Table, *given: Any) -> None:
        if into is tables.scores:
            meeting.wait()
        where(session, into, *given)

    monkeypatch.setattr(pruning, "_where", stop)

    def prune() -> None:
        with installed.database.write() as session:
            pruning._readings(session, monitors.named(session, "a"), ["k"])

    meeting.run(prune, lambda: erase.erase(installed, "c1", "ana", monitor="a", yes=True))
    with installed.database.read() as session:
        for each in (table, tables.scores):
            assert session.scalar(sa.select(sa.func.count()).select_from(each)) == 0
