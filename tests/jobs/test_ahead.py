"""Reading a page ahead changes no outcome: each row once, scored the same however the pages are cut."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.domain.errors import SourceUnavailable
from monitor.domain.monitor import Document
from monitor.jobs import pull, score
from monitor.jobs.apply import apply
from monitor.jobs.context import Ahead, Context
from monitor.scheduling import run_now
from monitor.sources import open_source
from monitor.sources.base import Batch, Cursor
from monitor.storage import monitors, readings, tables

ROWS = 230


def test_a_piece_that_was_begun_is_read_once_and_one_that_has_changed_is_read_anew() -> None:
    reads: list[int] = []

    def read(key: int) -> int:
        reads.append(key)
        return key * 10

    with Ahead(read) as ahead:
        ahead.begin(1)
        assert (ahead.take(1), reads) == (10, [1])
        ahead.begin(2)
        assert ahead.take(3) == 30
        assert ahead.take(4) == 40
    assert reads.count(2) <= 1
    assert [key for key in reads if key != 2] == [1, 3, 4]


def test_a_fault_of_the_reading_is_raised_where_the_piece_is_taken() -> None:
    def read(key: int) -> int:
        raise SourceUnavailable("gone")

    with Ahead(read) as ahead:
        ahead.begin(1)
        with pytest.raises(SourceUnavailable, match="gone"):
            ahead.take(1)


def watch(context: Context, folder: Path, rows: int = ROWS) -> None:
    rng = np.random.default_rng(0)
    load = rng.normal(50, 5, rows)
    at = pd.date_range("2026-03-01", periods=rows, freq="min", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    frame = pd.DataFrame(
        {"id": np.arange(rows), "at": at, "load": load, "heat": load * 0.8 + rng.normal(size=rows)}
    )
    path = folder / "boiler.csv"
    frame.round(3).to_csv(path, index=False)
    monitor = {"name": "boiler", "kind": "tabular", "key": ["id"], "time": "at", "model": {"objective": "vanilla"},
               "source": {"kind": "files", "path": str(path)}, "alerts": {"p_value": 1e-11}}  # fmt: skip
    apply(context, Document.model_validate({"monitors": [monitor]}), "tester")


class Slow:
    """A source in pages of 40 that counts its reads, and fails at one of them."""

    def __init__(self, fails_at: int = 0) -> None:
        self.reads: list[Cursor] = []
        self.fails_at = fails_at

    def __call__(self, *arguments: Any, **options: Any) -> "Slow":
        self.source = open_source(*arguments, **options)
        return self

    def read(self, cursor: Cursor) -> Batch:
        self.reads.append(cursor)
        if len(self.reads) == self.fails_at:
            raise SourceUnavailable("the source went away")
        return self.source.read(cursor, 40)


def test_each_page_is_read_once_and_each_row_is_stored_once(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(context, tmp_path)
    source = Slow()
    monkeypatch.setattr(pull, "open_source", source)
    done = run_now(context, "pull", "boiler", "tester")
    # reading ahead begins with the page after the one that pins the schema
    assert len(source.reads) == len({str(cursor) for cursor in source.reads}) == 6
    assert done["counts"] == {"pulled": ROWS, "stored": ROWS, "quarantined": 0, "known": 0}


def test_what_was_committed_before_the_source_failed_stays(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(context, tmp_path)
    monkeypatch.setattr(pull, "open_source", Slow(fails_at=4))
    with pytest.raises(Exception, match="went away"):
        run_now(context, "pull", "boiler", "tester")
    with context.database.read() as session:
        watched = monitors.named(session, "boiler")
        assert watched.schema is not None
        assert session.scalar(sa.text("select count(*) from readings_boiler")) == 120
    monkeypatch.setattr(pull, "open_source", Slow())
    assert run_now(context, "pull", "boiler", "tester")["counts"]["stored"] == ROWS - 120


def scored(context: Context) -> pd.DataFrame:
    with context.database.read() as session:
        rows = session.execute(
            sa.select(tables.scores.c.reading_id, tables.scores.c.score, tables.scores.c.p_value).order_by(
                tables.scores.c.reading_id
            )
        )
        return pd.DataFrame(rows.all(), columns=["reading_id", "score", "p_value"])


def test_scores_are_the_same_however_the_rows_are_cut_into_batches(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(context, tmp_path, 600)
    for job in ("pull", "train", "score"):
        run_now(context, job, "boiler", "tester")
    whole = scored(context)
    assert len(whole) == 600
    with context.database.write() as session:
        session.execute(sa.delete(tables.scores))
        session.execute(sa.update(tables.versions).values(scored_through=0))
    reads: list[int] = []
    after = readings.after

    def counted(session: Any, table: Any, reading_id: int, *rest: Any) -> pd.DataFrame:
        reads.append(reading_id)
        return after(session, table, reading_id, *rest)

    monkeypatch.setattr(readings, "after", counted)
    monkeypatch.setattr(score, "BATCH", 70)
    assert run_now(context, "score", "boiler", "tester")["counts"]["scored"] == 600
    assert len(reads) == len(set(reads)) == 10
    cut = scored(context)
    assert cut["reading_id"].tolist() == whole["reading_id"].tolist()
    assert cut["score"].to_numpy() == pytest.approx(whole["score"].to_numpy(), abs=1e-5)
    # a row that calibration knows may pass its own score by a rounding, which is one rank of 110
    assert cut["p_value"].to_numpy() == pytest.approx(whole["p_value"].to_numpy(), abs=0.02)


def test_a_row_that_was_corrected_after_it_was_read_ahead_is_scored_as_it_is_now(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(context, tmp_path, 600)
    for job in ("pull", "train"):
        run_now(context, job, "boiler", "tester")
    behind, done, after = threading.Event(), threading.Event(), readings.after

    def told(session: Any, table: Any, reading_id: int, *rest: Any) -> pd.DataFrame:
        found = after(session, table, reading_id, *rest)
        if reading_id:
            behind.set()
        return found

    def correct(*_: Any) -> None:
        if done.is_set():
            return
        done.set()
        assert behind.wait(20), "the next rows are read ahead"
        path = tmp_path / "boiler.csv"
        frame = pd.read_csv(path)
        frame.loc[100, "load"] += 1.0
        frame.to_csv(path, index=False)
        assert run_now(context, "pull", "boiler", "tester")["counts"]["stored"] == 1

    monkeypatch.setattr(readings, "after", told)
    monkeypatch.setattr(Context, "progress", correct)
    monkeypatch.setattr(score, "BATCH", 70)
    assert run_now(context, "score", "boiler", "tester")["counts"]["scored"] == 600
    with context.database.read() as session:
        schema = monitors.named(session, "boiler").schema
        assert schema is not None
        c = readings.table("readings_boiler", schema).c
        present = set(session.scalars(sa.select(c.reading_id).where(c.superseded_at.is_(None))))
    assert set(scored(context)["reading_id"]) == present
