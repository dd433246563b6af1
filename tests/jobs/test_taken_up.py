"""A run that is taken up after its worker died between its last rows and its end does nothing twice."""

import sqlalchemy as sa

from monitor.domain.monitor import Monitor
from monitor.domain.run import Request, Run
from monitor.jobs.context import Context
from monitor.jobs.promote import promote
from monitor.jobs.train import train
from monitor.storage import runs, tables, versions

MANIFEST = {"rows": 500, "left_out": {"not reviewed yet": 3}}


def claimed(context: Context, job: str, state: str) -> tuple[Run, int]:
    """A claimed run of the job, and a version in that state which the run is about."""
    config = Monitor.model_validate({"name": "m", "kind": "tabular", "source": {"kind": "host"}})
    with context.database.write() as session:
        new = sa.insert(tables.monitors).values(
            name="m", document=config.model_dump(mode="json"), cursor={}, notices=[], created_at=context.now()
        )
        monitor_id = session.execute(new.returning(tables.monitors.c.monitor_id)).scalar_one()
        run_id = runs.offer(session, Request(job, monitor_id, "s"), "me", context.now())
        version_id = versions.add(
            session, monitor_id, b"bytes", context.now(), objective="vanilla", run_id=run_id, manifest=MANIFEST,
            facts={}, trained_through=1,
        )  # fmt: skip
        session.execute(sa.update(tables.versions).values(state=state))
        session.execute(sa.update(tables.runs).values(counts={"version_id": version_id}))
        run = runs.claim(session, [job], "w", context.now(), 60)
    assert run is not None
    return run, version_id


def test_a_training_makes_one_version(context: Context) -> None:
    run, version_id = claimed(context, "train", "candidate")
    outcome = train(context, run)
    assert outcome.counts == {"version_id": version_id, "rows": 500, "left_out": 3}
    assert [(r.job, r.counts) for r in outcome.follow] == [("promote", {"version_id": version_id})]
    with context.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(tables.versions)) == 1


def test_a_promotion_still_asks_for_the_scores_that_follow(context: Context) -> None:
    run, _ = claimed(context, "promote", "champion")
    outcome = promote(context, run)
    assert outcome.message == "v1 is the champion already"
    assert [r.job for r in outcome.follow] == ["score"]
