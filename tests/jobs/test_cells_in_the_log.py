"""A customer's cell reaches neither the log nor the message of a run, whatever the database complains of."""

from collections.abc import Callable

import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.app import log_to_stderr
from monitor.domain.run import Outcome, Request, Run
from monitor.jobs import running
from monitor.jobs.context import Context
from monitor.scheduling import supervisor
from monitor.scheduling.slots import Scheduler
from monitor.storage import bulk, runs, tables
from monitor.storage.database import Session

CANARY = "canary-4711"


def twice(session: Session) -> None:
    for _ in range(2):
        session.execute(
            sa.insert(tables.queues).values(name=CANARY, title="", created_at=sa.func.current_timestamp())
        )


def twice_in_bulk(session: Session) -> None:
    at = pd.Timestamp("2026-03-01", tz="UTC")
    line = {"name": CANARY, "value": "a", "created_at": at}
    bulk.write(session, tables.keys, pd.DataFrame([line, line]))


def no_number(session: Session) -> None:
    text = {"sqlite": "select json(:cell)", "postgresql": "select cast(:cell as integer)"}
    session.execute(sa.text(text[session.get_bind().dialect.name]), {"cell": CANARY})


def in_a_cause(session: Session) -> None:
    try:
        twice(session)
    except sa.exc.IntegrityError as fault:
        raise RuntimeError("the row was not kept") from fault


def elsewhere(_session: Session) -> None:
    float(CANARY)


@pytest.mark.parametrize("work", [twice, twice_in_bulk, no_number, in_a_cause, elsewhere])
def test_no_cell_reaches_the_log_or_a_runs_message(
    context: Context, work: Callable[[Session], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def perform(context: Context, run: Run) -> Outcome:
        with context.write(run) as session:
            work(session)
        raise AssertionError("the database took it")

    log_to_stderr("debug")
    with context.database.write() as session:
        run_id = runs.offer(session, Request("prune", None, "s"), "ana", context.now())
        run = runs.claim(session, ["prune"], running.holder(), context.now(), 60)
    assert run is not None and run_id is not None
    running.execute(context, run, perform)
    logged = capsys.readouterr().err
    with context.database.read() as session:
        message = runs.get(session, run_id)["message"]
    assert message and "took it" not in message
    assert "run failed" in logged
    assert CANARY not in logged + message


def test_no_cell_reaches_the_log_of_the_scheduler(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    class Away(Scheduler):
        def look(self) -> None:
            text = "select json(:cell)"
            with context.database.read() as session:
                if context.database.dialect == "postgresql":
                    session.execute(sa.text("set local statement_timeout = 1"))
                    text = "select pg_sleep(1), cast(:cell as text)"
                session.execute(sa.text(text), {"cell": CANARY})

    log_to_stderr("debug")
    supervisor._look(Away(context))
    logged = capsys.readouterr().err
    assert "does not answer" in logged and CANARY not in logged
