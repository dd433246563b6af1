from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.domain.version import Step
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import runs, tables, versions


def ended(context: Context, slot: str, days: float, message: str) -> None:
    at = context.now() - timedelta(days=days)
    with context.database.write() as session:
        run_id = runs.offer(session, Request("pull", None, slot), "schedule", at)
        session.execute(
            sa.update(tables.runs)
            .where(tables.runs.c.run_id == run_id)
            .values(state="done", finished_at=at, message=message)
        )


def test_pulls_that_found_no_file_go_as_soon_as_idle_ones(context: Context) -> None:
    ended(context, "no file", 2, "0 new rows; no file matches 'a*.csv'; put one there, or correct the path")
    ended(context, "trouble", 2, "0 new rows, 3 quarantined")
    assert run_now(context, "prune", None, "me")["counts"]["idle"] == 1


def test_old_runs_go_and_pulls_that_brought_nothing_go_sooner(context: Context) -> None:
    ended(context, "old", 31, "5 new rows")
    ended(context, "idle", 2, "0 new rows")
    ended(context, "idle today", 0.5, "0 new rows")
    ended(context, "worked", 2, "5 new rows")
    assert run_now(context, "prune", None, "me")["counts"] == {"runs": 1, "idle": 1, "models": 0}
    with context.database.read() as session:
        left = set(session.scalars(sa.select(tables.runs.c.slot).where(tables.runs.c.job == "pull")))
    assert left == {"idle today", "worked"}


def version(context: Context, number: int, state: str, days: float, **values: Any) -> int:
    """A version of monitor 1 that was made and decided on so long ago."""
    at = context.now() - timedelta(days=days)
    with context.database.write() as session:
        version_id = versions.add(
            session, 1, b"bytes", at, objective="vanilla", manifest={"rows": 300}, facts={}, trained_through=0
        )
        changed = sa.update(tables.versions).where(tables.versions.c.version_id == version_id)
        session.execute(changed.values(number=number, state=state, decided_at=at, **values))
    return version_id


def kept(context: Context) -> list[int]:
    with context.database.read() as session:
        return [v["number"] for v in versions.listed(session, 1) if not v["emptied"]]


@pytest.fixture
def watched(context: Context) -> Context:
    part = {"name": "a", "kind": "tabular", "source": {"kind": "files", "path": "x.csv"}}
    apply(context, Document.model_validate({"monitors": [part]}), "me")
    return context


def test_models_that_nobody_will_go_back_to_are_dropped_and_their_rows_stay(watched: Context) -> None:
    for number in range(1, 9):
        version(watched, number, "retired", 100 - number)
    version(watched, 20, "champion", 90)
    version(watched, 21, "rejected", 15)
    version(watched, 22, "rejected", 13)
    version(watched, 23, "candidate", 15)
    version(watched, 24, "candidate", 13)
    version(watched, 25, "rejected", 50, pinned=True)
    assert kept(watched) == [25, 24, 23, 22, 21, 20, 8, 7, 6, 5, 4, 3, 2, 1]
    done = run_now(watched, "prune", None, "me")
    assert kept(watched) == [25, 24, 22, 20, 8, 7, 6, 5, 4]
    assert done["counts"]["models"] == 5 and "5 models of old versions" in done["message"]
    with watched.database.read() as session:
        rows = versions.listed(session, 1)
    assert len(rows) == 14 and all(v["manifest"] == {"rows": 300} for v in rows)
    assert run_now(watched, "prune", None, "me")["counts"]["models"] == 0


def test_models_stay_for_five_champions_of_the_line_whatever_was_left_by_a_roll_back(
    watched: Context,
) -> None:
    start = watched.now() - timedelta(days=100)
    for hour, (number, kind) in enumerate(
        [
            *((n, "promoted") for n in range(1, 8)),
            (8, "promoted"),
            (9, "promoted"),
            (7, "rolled back"),
            (10, "promoted"),
        ]
    ):
        at = start + timedelta(hours=hour)
        with watched.database.write() as session:
            if kind == "promoted":
                versions.add(
                    session, 1, b"bytes", at, objective="vanilla", manifest={}, facts={}, trained_through=0
                )
            step = Step(kind, "ana", at, "")
            versions.promote(session, versions.numbered(session, 1, number), step)
    run_now(watched, "prune", None, "me")
    assert [n for n in kept(watched) if n not in (8, 9)] == [10, 7, 6, 5, 4, 3]
    with watched.database.read() as session:
        assert versions.previous(session, 1) == 7


def test_a_version_whose_model_was_dropped_is_refused_and_the_others_are_named(watched: Context) -> None:
    version(watched, 1, "champion", 90)
    dropped = version(watched, 2, "rejected", 50)
    version(watched, 3, "retired", 50)
    run_now(watched, "prune", None, "me")
    with pytest.raises(MonitorError, match=r"the model of v2 was dropped.*v3, v1.*train"):
        run_now(watched, "promote", "a", "me", counts={"version_id": dropped, "by_hand": True})
    with watched.database.read() as session:
        champion = versions.champion(session, 1)
        assert champion is not None and champion.number == 1
        with pytest.raises(MonitorError, match="the model of v2 was dropped"):
            versions.bundle(session, dropped)
