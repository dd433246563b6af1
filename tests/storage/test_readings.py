from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.field import Field, Schema
from monitor.storage import bulk, readings
from monitor.storage.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = Schema(
    fields=(
        Field(name="amount", type="number"),
        Field(name="country", type="category"),
        Field(name="count", type="integer"),
        Field(name="known", type="boolean"),
        Field(name="since", type="time"),
    )
)


def rows(n: int = 6, amount: float = 1.0) -> pd.DataFrame:
    at = pd.date_range("2026-03-01", periods=n, freq="min", tz="UTC")
    return pd.DataFrame(
        {
            "source_key": [f"k{i}" for i in range(n)],
            "content_hash": [f"{i}/{amount}" for i in range(n)],
            "event_at": at,
            "entity": ["a", "b"] * (n // 2),
            "amount": [amount, np.nan] * (n // 2),
            "country": pd.Series(["DE", None, 'q"uo,te\n'] * (n // 3), dtype="str"),
            "count": pd.array([2**60 + 1, None] * (n // 2), dtype="Int64"),
            "known": pd.array([True, None, False] * (n // 3), dtype="boolean"),
            "since": at,
        }
    )


@pytest.fixture
def table(database: Database) -> readings.Table:
    made = readings.table("readings_x", SCHEMA)
    with database.write() as session:
        readings.create(session, made)
    return made


def test_what_is_stored_comes_back_as_it_was(database: Database, table: readings.Table) -> None:
    with database.write() as session:
        stored = readings.store(session, table, rows(), 100, NOW, 1)
    assert (stored.new, stored.corrected, stored.known) == (6, 0, 0)
    with database.read() as session:
        back = readings.after(session, table, 0, 10)
    assert back["reading_id"].tolist() == [100, 101, 102, 103, 104, 105]
    assert back["country"].fillna("-").tolist() == ["DE", "-", 'q"uo,te\n', "DE", "-", 'q"uo,te\n']
    assert back["event_at"].tolist() == rows()["event_at"].tolist()
    assert back["amount"].isna().tolist() == [False, True] * 3
    assert back["known"].isna().tolist() == [False, True, False] * 2


def test_a_known_row_is_not_stored_again(database: Database, table: readings.Table) -> None:
    with database.write() as session:
        readings.store(session, table, rows(), 100, NOW, 1)
    with database.write() as session:
        again = readings.store(session, table, rows(), 106, NOW, 2)
        assert (again.new, again.corrected, again.known) == (0, 0, 6)
        assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 6


def test_a_correction_is_a_new_revision_and_the_old_one_stays(
    database: Database, table: readings.Table
) -> None:
    with database.write() as session:
        readings.store(session, table, rows(), 100, NOW, 1)
        stored = readings.store(session, table, rows(amount=2.0), 106, NOW, 2)
        assert (stored.new, stored.corrected, stored.known) == (0, 6, 0)
        assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 12
        assert readings.after(session, table, 0, 99)["revision"].tolist() == [2] * 6


def test_a_row_twice_in_one_batch_is_stored_once(database: Database, table: readings.Table) -> None:
    both = pd.concat([rows(), rows(), rows(amount=3.0)], ignore_index=True)
    with database.write() as session:
        stored = readings.store(session, table, both, 100, NOW, 1)
        assert (stored.new, stored.corrected, stored.known) == (6, 6, 6)
        present = readings.after(session, table, 0, 99)
    assert present["amount"].dropna().tolist() == [3.0] * 3
    assert present["source_key"].is_unique


def test_context_is_the_rows_before_of_the_same_entity(database: Database, table: readings.Table) -> None:
    with database.write() as session:
        readings.store(session, table, rows(12), 100, NOW, 1)
        last = readings.after(session, table, 109, 10)
        before = readings.before(session, table, last, 2)
    assert before[["entity", "reading_id"]].values.tolist() == [
        ["a", 106],
        ["b", 107],
        ["a", 108],
        ["b", 109],
    ]


def test_the_rate_is_rows_a_day_by_event_time(database: Database, table: readings.Table) -> None:
    with database.write() as session:
        assert readings.rate(session, table) == 0.0
        readings.store(session, table, rows(6), 100, NOW, 1)
        assert readings.rate(session, table) == pytest.approx(6 / (5 / 1440))


def one(amount: float) -> pd.DataFrame:
    return rows(amount=amount).iloc[:1]


def test_the_last_word_on_a_row_is_the_one_that_counts(database: Database, table: readings.Table) -> None:
    back_and_forth = pd.concat([one(1.0), one(2.0), one(1.0)], ignore_index=True)
    with database.write() as session:
        stored = readings.store(session, table, back_and_forth, 100, NOW, 1)
        present = readings.after(session, table, 0, 9)
    assert (stored.new, stored.corrected, stored.known) == (1, 2, 0)
    assert present[["amount", "revision"]].values.tolist() == [[1.0, 3.0]]


def test_a_late_row_does_not_take_the_context_of_the_others(
    database: Database, table: readings.Table
) -> None:
    with database.write() as session:
        readings.store(session, table, rows(12), 100, NOW, 1)
        stored = readings.after(session, table, 0, 99)
        batch = stored[
            stored["reading_id"].isin([100, 110])
        ]  # the first and the last but one row of entity a
        before = readings.before(session, table, batch, 2)
    assert before["reading_id"].tolist() == [102, 104, 106, 108]


def test_names_and_entities_with_a_per_cent_sign_are_kept(database: Database) -> None:
    table = readings.table("readings_x", Schema(fields=(Field(name='load "%" %%', type="number"),)))
    frame = rows()[["source_key", "content_hash", "event_at", "entity", "amount"]]
    frame = frame.rename(columns={"amount": 'load "%" %%'}).assign(entity="50%")
    with database.write() as session:
        readings.create(session, table)
        readings.store(session, table, frame, 100, NOW, 1)
        last = readings.after(session, table, 104, 9)
        assert readings.before(session, table, last, 3)["reading_id"].tolist() == [102, 103, 104]
    assert last["entity"].tolist() == ["50%"]


@given(st.lists(st.integers(0, 99), unique=True, min_size=1))
def test_keys_that_are_all_new_need_no_comparing(keys: list[int]) -> None:
    frame = pd.DataFrame({"source_key": [f"k{k}" for k in keys], "content_hash": "same"}, dtype="str")
    known = pd.DataFrame({"source_key": [], "known_hash": [], "known_revision": []}).astype(
        {"source_key": "str", "known_hash": "str", "known_revision": "float64"}
    )
    expected = frame.assign(revision=1, known=False, last=True)
    pd.testing.assert_frame_equal(readings.revisions(frame, known), expected)


def test_only_the_columns_that_are_asked_for_are_read(database: Database, table: readings.Table) -> None:
    with database.write() as session:
        readings.store(session, table, rows(12), 100, NOW, 1)
        some = readings.after(session, table, 102, 5, {"since", "amount"})
        every = readings.after(session, table, 102, 5)
    assert list(some) == ["reading_id", "event_at", "ingested_at", "entity", "amount", "since"]
    pd.testing.assert_frame_equal(some, every[list(some)])


def test_many_rows_are_read_as_they_were_written(
    database: Database, table: readings.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "FETCHED", 5)
    with database.write() as session:
        readings.store(session, table, rows(12), 100, NOW, 1)
        back = readings.after(session, table, 0, 99)
    assert back["reading_id"].tolist() == list(range(100, 112))
    assert back["count"].isna().tolist() == [False, True] * 6


@pytest.mark.parametrize("nameless", [False, True], ids=["named", "and one without a name"])
def test_the_context_of_300_entities_is_one_read_and_each_has_its_own(
    database: Database, table: readings.Table, monkeypatch: pytest.MonkeyPatch, nameless: bool
) -> None:
    """Histories of unequal length with equal times, and in the batch late rows between which others are stored."""
    names = [f"e{n} \\ '\"%é" for n in range(300)]
    stored = [(name, minute) for n, name in enumerate(names) for minute in [0, 0, *range(n % 7)]]
    batch = [(name, minute) for name in names for minute in (5, 9)]
    between = [(names[3], 6), (names[3], 7)]
    everything = [*stored, *between, *batch]
    frame = pd.DataFrame(everything, columns=["entity", "minute"])
    if nameless:
        frame["entity"] = frame["entity"].where(frame["entity"] != names[8])
    many = rows(6).iloc[[0] * len(frame)].reset_index(drop=True)
    many["entity"] = frame["entity"].astype("str")
    many["event_at"] = pd.Timestamp(NOW) + pd.to_timedelta(frame["minute"], unit="min")
    many["source_key"] = [f"k{n}" for n in range(len(frame))]
    with database.write() as session:
        readings.store(session, table, many, 1, NOW, 1)
    reads = []
    read = readings.bulk.read
    with database.read() as session:
        new = readings.after(session, table, len(stored) + len(between), 1000)
        old = readings.latest(session, table, 10_000)
        old = old[~old["reading_id"].isin(new["reading_id"])]
        monkeypatch.setattr(readings.bulk, "read", lambda *given: reads.append(1) or read(*given))
        found = readings.before(session, table, new, 3)
    assert len(reads) == 1 + nameless
    first = new.groupby("entity", dropna=False)["event_at"].min()
    start = old["entity"].map(first.to_dict()).fillna(first[first.index.isna()].min() if nameless else pd.NaT)
    earlier = old[old["event_at"] < start].groupby("entity", dropna=False).tail(3)
    expected = pd.concat([earlier, old[old["event_at"] >= start]]).sort_values(["event_at", "reading_id"])
    assert found["reading_id"].tolist() == expected["reading_id"].tolist()
    assert len(new) == 600 and len(found) > 700
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))
