from datetime import timedelta

import sqlalchemy as sa

from monitor.domain.run import Request
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import runs, tables


def ended(context: Context, slot: str, days: float, message: str) -> None:
    at = context.now() - timedelta(days=days)
    with context.database.write() as session:
        run_id = runs.offer(session, Request("pull", None, slot), "schedule", at)
        session.execute(
            sa.update(tables.runs)
            .where(tables.runs.c.run_id == run_id)
            .values(state="done", finished_at=at, message=message)
        )


def test_old_runs_go_and_pulls_that_brought_nothing_go_sooner(context: Context) -> None:
    ended(context, "old", 31, "5 new rows")
    ended(context, "idle", 2, "0 new rows")
    ended(context, "idle today", 0.5, "0 new rows")
    ended(context, "worked", 2, "5 new rows")
    assert run_now(context, "prune", None, "me")["counts"] == {"idle": 1, "runs": 1}
    with context.database.read() as session:
        left = set(session.scalars(sa.select(tables.runs.c.slot).where(tables.runs.c.job == "pull")))
    assert left == {"idle today", "worked"}
