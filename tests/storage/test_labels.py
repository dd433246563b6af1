"""Which truth counts where several were said of one row."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.jobs.context import Context
from monitor.storage import labels, tables
from monitor.storage.database import Session

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def monitor_id(context: Context) -> int:
    with context.database.write() as session:
        new = sa.insert(tables.monitors).values(name="m", document={}, cursor={}, notices=[], created_at=NOW)
        return int(session.execute(new.returning(tables.monitors.c.monitor_id)).scalar_one())


def say(context: Context, monitor_id: int, value: int, origin: str, hours: int = 0) -> None:
    one = pd.DataFrame({"source_key": ["k"], "value": [value]})
    with context.database.write() as session:
        labels.learn(session, monitor_id, one, origin, NOW + timedelta(hours=hours))


def known(context: Context, monitor_id: int) -> dict[str, str]:
    with context.database.read() as session:
        return labels.anomalous(session, monitor_id, ["k", "elsewhere"])


def test_a_review_outweighs_what_the_source_says_later(context: Context, monitor_id: int) -> None:
    say(context, monitor_id, 1, "review:9")
    say(context, monitor_id, 0, "source", hours=5)
    assert known(context, monitor_id) == {"k": "review:9"}


def test_the_last_of_two_reviews_counts(context: Context, monitor_id: int) -> None:
    say(context, monitor_id, 1, "review:9")
    say(context, monitor_id, 0, "review:10", hours=1)
    assert known(context, monitor_id) == {}


def test_a_truth_that_is_said_again_keeps_its_day_and_a_changed_one_gets_a_new(
    context: Context, monitor_id: int
) -> None:
    say(context, monitor_id, 0, "source")
    say(context, monitor_id, 0, "source", hours=2)
    with context.database.read() as session:
        assert session.scalar(sa.select(tables.labels.c.known_at)) == NOW
    say(context, monitor_id, 1, "source", hours=3)
    assert known(context, monitor_id) == {"k": "source"}
    with context.database.read() as session:
        assert session.scalar(sa.select(tables.labels.c.known_at)) == NOW + timedelta(hours=3)


def test_a_row_and_its_correction_in_one_page_have_one_truth(context: Context, monitor_id: int) -> None:
    both = pd.DataFrame({"source_key": ["k", "k"], "value": [0, 1]})
    with context.database.write() as session:
        labels.learn(session, monitor_id, both, "source", NOW)
    assert known(context, monitor_id) == {"k": "source"}


def test_only_the_rows_that_are_asked_for_are_looked_up_and_by_the_index(
    context: Context, monitor_id: int
) -> None:
    many = pd.DataFrame({"source_key": [f"k{n}" for n in range(20_000)], "value": [1, 0] * 10_000})
    with context.database.write() as session:
        labels.learn(session, monitor_id, many, "source", NOW)
        labels.learn(session, monitor_id, many.iloc[:2].assign(value=[0, 1]), "review:1", NOW)
    with context.database.write() as session:
        session.execute(sa.text("ANALYZE labels"))
    asked, plans = [f"k{n}" for n in range(40)], list[str]()
    with context.database.read() as session, explained(session, plans):
        found = labels.anomalous(session, monitor_id, asked)
    assert found == {"k1": "review:1"} | {f"k{n}": "source" for n in range(2, 40, 2)}
    plan = "\n".join(plans)
    assert "autoindex_labels" in plan or "uq_labels_monitor_id" in plan
    assert "SCAN labels" not in plan and "Seq Scan on labels" not in plan


@contextmanager
def explained(session: Session, plans: list[str]) -> Iterator[None]:
    """The plan of each statement that is run within."""
    explain = "EXPLAIN QUERY PLAN" if session.get_bind().dialect.name == "sqlite" else "EXPLAIN"

    def look(_c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        cursor.execute(f"{explain} {statement}", parameters)
        plans.extend(str(line) for line in cursor.fetchall())

    sa.event.listen(session.get_bind(), "before_cursor_execute", look)
    yield
    sa.event.remove(session.get_bind(), "before_cursor_execute", look)
