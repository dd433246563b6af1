"""What stays of a removed monitor is listed under its old name, and says that it was removed."""

import sqlalchemy as sa

from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import alerts, pages, tables
from monitor.storage.pages import Sought


def test_alerts_and_runs_of_a_removed_monitor_say_so(context: Context) -> None:
    one = {"name": "pump", "kind": "sensor", "source": {"kind": "host"}}
    apply(context, Document.model_validate({"monitors": [one]}), "ana")
    run_now(context, "pull", "pump", "ana")
    now = context.now()
    with context.database.write() as session:
        session.execute(
            sa.insert(tables.alerts).values(
                monitor_id=1, queue="default", public_id="abcdefg", opened_at=now, revision=1, entity=None,
                state="open", severity=1, rank=1.0, first_event_at=now, last_event_at=now, members=1, p_value=0.001,
                value=None, why="w", brief="b", fields=[], provisional=False,
            )
        )  # fmt: skip
    apply(context, Document(), "ana", yes=True)
    with context.database.read() as session:
        assert [a["monitor"] for a in alerts.listed(session, "closed", None, 9)] == ["pump (removed)"]
        assert {r.monitor for r in pages.runs(session, Sought(), None, 9)} == {"pump (removed)"}
