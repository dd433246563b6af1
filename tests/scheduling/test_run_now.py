"""What a job by hand leaves in the queue: nothing that was done by hand too."""

from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import runs, tables

R = tables.runs.c


def rows(path: Path, start: int, count: int) -> None:
    rng = np.random.default_rng(start)
    load = rng.normal(50, 5, count)
    at = pd.date_range("2026-03-01", periods=start + count, freq="min", tz="UTC")[start:]
    frame = pd.DataFrame(
        {"id": range(start, start + count), "at": at.astype(str), "load": load, "heat": load * 0.8}
    )
    frame.to_csv(path, mode="a", header=start == 0, index=False)


def watch(context: Context, path: Path) -> None:
    part = {"name": "a", "kind": "tabular", "source": {"kind": "files", "path": str(path)}, "key": ["id"], "time": "at",
            "model": {"objective": "vanilla"}}  # fmt: skip
    apply(context, Document.model_validate({"monitors": [part]}), "me")
    with context.database.write() as session:
        session.execute(sa.delete(tables.runs))  # the first pull, which applying asks for


def queue(context: Context, *states: str) -> list[tuple[str, str]]:
    with context.database.read() as session:
        found = session.execute(sa.select(R.job, R.slot).where(R.state.in_(states)).order_by(R.run_id))
        return [(job, slot.split("-")[0]) for job, slot in found]


def test_each_step_by_hand_is_one_run_and_the_last_leaves_nothing(context: Context, tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    rows(source, 0, 600)
    watch(context, source)
    run_now(context, "pull", "a", "me")
    done = run_now(context, "train", "a", "me")
    assert "promoted" in done["message"] and done["counts"]["version_id"] == 1
    assert queue(context, "queued") == [("score", "after")], "for a worker, or for the next step by hand"
    assert run_now(context, "score", "a", "me")["counts"]["scored"] == 600
    rows(source, 600, 10)
    run_now(context, "pull", "a", "me")
    assert run_now(context, "score", "a", "me")["counts"]["scored"] == 10
    assert queue(context, "queued", "running", "failed") == []
    assert queue(context, "done") == [
        ("pull", "manual"), ("train", "first"), ("promote", "after"), ("score", "after"),
        ("pull", "manual"), ("score", "after"),
    ]  # fmt: skip


def test_what_waits_for_later_or_was_asked_for_otherwise_is_left_alone(
    context: Context, tmp_path: Path
) -> None:
    rows(tmp_path / "x.csv", 0, 5)
    watch(context, tmp_path / "x.csv")
    with context.database.write() as session:
        for slot in ("after-7", "2026-03-01T02:00"):
            later = context.now().replace(year=2999) if slot == "after-7" else None
            runs.offer(session, Request("pull", 1, slot, not_before=later), "schedule", context.now())
    run_now(context, "pull", "a", "me")
    assert queue(context, "queued") == [("pull", "after"), ("pull", "2026")]
