"""What is scored is what is there: a row that is corrected or deleted while it is scored gets no score of its own."""

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.detection.detector import Detector
from monitor.domain.monitor import Document
from monitor.domain.version import GATE, Step
from monitor.jobs import score
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import monitors, pruning, tables, versions
from monitor.storage.database import Database

START = pd.Timestamp("2026-03-01", tz="UTC")


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return Detector(objective="vanilla").fit(rows(400)[["load", "heat"]]).to_bytes()


def rows(count: int) -> pd.DataFrame:
    load = [50 + 5 * ((n * 37) % 100) / 100 for n in range(count)]
    at = pd.date_range(START, periods=count, freq="min")
    return pd.DataFrame(
        {"id": range(count), "at": at.astype(str), "load": load, "heat": [x * 0.8 for x in load]}
    )


@pytest.fixture
def pulled(context: Context, tmp_path: Path, bundle: bytes) -> Context:
    """Forty rows that wait for the champion's scores."""
    rows(40).to_csv(tmp_path / "x.csv", index=False)
    source = {"kind": "files", "path": str(tmp_path / "x.csv")}
    part = {"name": "m", "kind": "tabular", "source": source, "key": ["id"], "time": "at",
            "retention": {"readings": "1d"}}  # fmt: skip
    apply(context, Document.model_validate({"monitors": [part]}), "ana")
    run_now(context, "pull", "m", "ana")
    with context.database.write() as session:
        made = versions.add(session, 1, bundle, context.now(), objective="vanilla", manifest={}, facts={},
                            trained_through=0)  # fmt: skip
        versions.promote(session, versions.get(session, made), Step("promoted", GATE, context.now(), "first"))
    return context


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Once, between scoring's look at the rows and its commit."""
    examine, left = score.examine, iter([happens])

    def examined(*arguments: Any) -> score.Found:
        found = examine(*arguments)
        for each in left:
            each()
        return found

    monkeypatch.setattr(score, "examine", examined)


def scored(context: Context) -> list[tuple[str, int, bool]]:
    """(key, revision, whether it is the present one) of each reading that has a score, absent ones included."""
    with context.database.read() as session:
        found = session.execute(
            sa.text(
                "select r.source_key, r.revision, r.superseded_at is null from scores s "
                "left join readings_m r on r.reading_id = s.reading_id order by s.reading_id"
            )
        )
        return [(key, revision, bool(present)) for key, revision, present in found]


def test_a_row_that_is_corrected_meanwhile_is_scored_in_its_present_revision_alone(
    pulled: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def corrected() -> None:
        with (tmp_path / "x.csv").open("a") as file:
            file.write(f"7,{START},50.5,40.25\n")
        run_now(pulled, "pull", "m", "ana")

    meanwhile(monkeypatch, corrected)
    assert run_now(pulled, "score", "m", "ana")["counts"]["scored"] == 40
    found = scored(pulled)
    assert len(found) == 40
    assert all(present for _, _, present in found)
    assert found[-1][1] == 2
    with pulled.database.read() as session:
        assert not versions.behind(session, 1)


def test_rows_that_are_dropped_for_their_age_meanwhile_get_no_score(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: run_now(pulled, "prune", None, "ana"))
    assert run_now(pulled, "score", "m", "ana")["counts"]["scored"] == 0
    assert scored(pulled) == []
    with pulled.database.read() as session:
        assert not versions.behind(session, 1)


def test_a_correction_that_is_not_committed_yet_comes_before_or_after(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either scoring waits for it and reads anew, or it waits for the scores of what it corrects."""
    changed, go_on = threading.Event(), threading.Event()
    other = Database(pulled.settings.url)

    def correct() -> None:
        with other.write() as session:
            session.execute(
                sa.text("update readings_m set superseded_at = ingested_at where reading_id in "
                        "(select min(reading_id) from readings_m)")
            )  # fmt: skip
            monitors.advance(
                session, 1, {}, [], dict.fromkeys(("pulled", "stored", "quarantined", "known"), 0)
            )
            changed.set()
            go_on.wait(10)

    thread = threading.Thread(target=correct)

    def begun() -> None:
        thread.start()
        changed.wait(10)
        threading.Timer(0.3, go_on.set).start()

    meanwhile(monkeypatch, begun)
    run_now(pulled, "score", "m", "ana")
    thread.join()
    other.close()
    found = scored(pulled)
    assert len(found) == 39
    assert all(present for _, _, present in found)


def test_scores_that_were_being_written_while_their_rows_were_dropped_go_too(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second waits for the monitor's row, and then knows."""
    writing, go_on = threading.Event(), threading.Event()
    other = Database(pulled.settings.url)

    def write() -> None:
        with other.write() as session:
            monitors.share(session, 1)
            first, _ = monitors.ids(1)
            row = {"reading_id": first + 1, "version_id": 1, "score": 1.0, "p_value": 0.5}
            session.execute(sa.insert(tables.scores).values(**row, scored_at=pulled.now()))
            writing.set()
            go_on.wait(1.5)  # SQLite's other writer does not come so far as to let it go on

    where = pruning._where

    def deleted(*arguments: Any) -> None:
        where(*arguments)
        threading.Timer(0.2, go_on.set).start()

    monkeypatch.setattr(pruning, "_where", deleted)
    thread = threading.Thread(target=write)
    thread.start()
    writing.wait(10)
    run_now(pulled, "prune", None, "ana")
    thread.join()
    other.close()
    assert scored(pulled) == []
