"""A row's past is the same however its stream was cut into batches, live or in replay, on either database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.domain.field import Field, Schema
from monitor.features.history import History
from monitor.storage import carried as module
from monitor.storage import past, readings
from monitor.storage.carried import REVISED, Carried
from monitor.storage.database import Database

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = Schema(fields=(Field(name="amount", type="number"), Field(name="payee", type="category")))
FIELDS = frozenset({"amount", "payee", *REVISED})
PAST = History("entity", "event_at", ("amount",), (), ("payee",), "amount", rows=4)
TABLE = readings.table("readings_x", SCHEMA)


def arrivals(seed: int, rows: int = 54) -> pd.DataFrame:
    """Rows of three cards and of none; some late, some at equal times, some corrected, even to another card."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random(rows) < 0.15, rng.integers(0, 40, rows), 0)
    keys = [int(rng.integers(n)) if n and rng.random() < 0.2 else n for n in range(rows)]
    at = [START + timedelta(hours=int(k - late[n])) for n, k in enumerate(keys)]
    cards = rng.choice(["a", "b", "c \\ '\"%é", ""], rows)
    return pd.DataFrame({
        "source_key": [f"k{k}" for k in keys],
        "content_hash": [f"h{n}" for n in range(rows)],
        "event_at": pd.DatetimeIndex(at),
        "entity": pd.Series(cards, dtype="str").where(cards != ""),
        "amount": rng.integers(1, 9, rows).astype(float),
        "payee": pd.Series(rng.choice(["x", "y", "z"], rows), dtype="str"),
    })  # fmt: skip


def scored(database: Database, carried: Carried, after: int, most: int) -> pd.DataFrame | None:
    """The next batch as scoring reads it, with the columns of history; None when nothing waits."""
    with database.read() as session:
        batch = readings.after(session, TABLE, after, most, FIELDS)
        if batch.empty:
            return None
        context = carried.before(session, TABLE, batch, after, PAST.rows, FIELDS)
    return pd.concat([batch[["reading_id"]], PAST.of(batch, context)], axis=1)


def through(database: Database, sizes: list[int], carried: Any = Carried) -> pd.DataFrame:
    found, after, run = [], 0, carried()
    while (part := scored(database, run, after, sizes[len(found) % len(sizes)])) is not None:
        found.append(part)
        after = int(part["reading_id"].max())
    return pd.concat(found).set_index("reading_id")


@pytest.fixture
def table(database: Database) -> sa.Table:
    with database.write() as session:
        readings.create(session, TABLE)
    return TABLE


def store(database: Database, rows: pd.DataFrame, first_id: int) -> None:
    with database.write() as session:
        readings.store(session, TABLE, rows.reset_index(drop=True), first_id, START, 1)


@pytest.mark.parametrize("seed", range(2))
def test_live_and_replayed_in_any_batches_a_row_has_the_same_past(
    database: Database, table: sa.Table, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rows, live, after = arrivals(seed), [], 0
    for start in range(0, len(rows), 6):  # a pull, then a score, again and again
        store(database, rows[start : start + 6], 1 + start)
        part = scored(database, Carried(), after, 99)
        assert part is not None
        live.append(part)
        after = int(part["reading_id"].max())
    seen = pd.concat(live).set_index("reading_id")
    replays = [through(database, sizes) for sizes in ([500], [1, 13, 4])]
    replays.append(through(database, [5], lambda: _Forgetful()))
    monkeypatch.setattr(module, "MOST", 3)
    replays.append(through(database, [9]))
    for replay in replays:
        # what was corrected before the next score is never scored as it first was, live or not
        pd.testing.assert_frame_equal(replay, seen.loc[replay.index], check_exact=True)
    assert seen["rows in 24 h"].max() > 2 and seen["new payee"].nunique() == 2


class _Forgetful(Carried):
    """Reads every batch's context from the database."""

    def before(self, *given: Any) -> pd.DataFrame:
        self._rows = None
        return super().before(*given)


@pytest.mark.parametrize("seed", range(2))
def test_what_an_erasure_finds_of_an_entity_has_the_past_that_training_saw(
    database: Database, table: sa.Table, seed: int
) -> None:
    rows = arrivals(seed)
    store(database, rows, 1)
    with database.read() as session:
        newest = readings.latest(session, TABLE, 25)
        learnt = newest[newest["reading_id"] % 5 > 0].reset_index(drop=True)  # some are left out
        trained = PAST.of(learnt, past.known(session, TABLE, learnt, PAST.rows, FIELDS))
        trained["reading_id"] = learnt["reading_id"]
        for who, own in trained.groupby(learnt["entity"]):
            whole = past.whole(session, TABLE, str(who))
            told = PAST.of(whole).assign(reading_id=whole["reading_id"]).set_index("reading_id")
            pd.testing.assert_frame_equal(
                told.loc[own["reading_id"]], own.set_index("reading_id"), check_exact=True
            )


def test_rows_that_come_in_order_are_read_once(
    database: Database, table: sa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = arrivals(0, 200).assign(source_key=[f"k{n}" for n in range(200)], entity="a")
    rows["event_at"] = pd.date_range(START, periods=200, freq="min")
    store(database, rows, 1)
    read: list[int] = []
    known = past.known
    monkeypatch.setattr(module.past, "known", lambda *given: read.append(len(given[2])) or known(*given))
    through(database, [10])
    assert sum(read) == 10, "the first batch alone"


def test_a_model_that_looks_at_another_field_is_not_given_rows_without_it(
    database: Database, table: sa.Table
) -> None:
    rows = arrivals(0, 60).assign(source_key=[f"k{n}" for n in range(60)], payee="x")
    rows["event_at"] = pd.date_range(START, periods=60, freq="min")
    store(database, rows, 1)
    carried, fewer = Carried(), FIELDS - {"payee"}
    with database.read() as session:
        first = readings.after(session, TABLE, 0, 40, fewer)
        carried.before(session, TABLE, first, 0, PAST.rows, fewer)
        batch = readings.after(session, TABLE, 40, 20, FIELDS)
        going_on = carried.before(session, TABLE, batch, 40, PAST.rows, FIELDS)
        anew = Carried().before(session, TABLE, batch, 40, PAST.rows, FIELDS)
    pd.testing.assert_frame_equal(PAST.of(batch, going_on), PAST.of(batch, anew), check_exact=True)


def test_a_context_is_entered_at_its_place_in_the_index(database: Database, table: sa.Table) -> None:
    store(database, arrivals(0), 1)
    statements: list[tuple[str, Any]] = []

    def noted(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        statements.append((statement, parameters))

    with database.read() as session:
        batch = readings.after(session, TABLE, 30, 20, FIELDS)
        session.connection().exec_driver_sql("ANALYZE") if database.dialect == "postgresql" else None
        sa.event.listen(database.engine, "before_cursor_execute", noted)
        past.known(session, TABLE, batch, 4, FIELDS)
        sa.event.remove(database.engine, "before_cursor_execute", noted)
        if database.dialect == "sqlite":
            plan = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statements[-1][0]}", statements[-1][1]
            )
            steps = [
                str(step[-1]) for step in plan if "readings_x" in str(step[-1]) or "other" in str(step[-1])
            ]
            assert steps and not [step for step in steps if step.startswith("SCAN")], steps
