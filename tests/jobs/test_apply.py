"""Plan and apply: all or nothing, nothing removed by accident, nothing of the dashboard lost."""

import pytest
import sqlalchemy as sa

from monitor.domain.document import differences
from monitor.domain.errors import Conflict, MonitorError
from monitor.domain.monitor import Document
from monitor.jobs.apply import apply, plan
from monitor.jobs.context import Context
from monitor.storage import audit, configuration, monitors, tables


def document(*names: str, **changes: object) -> Document:
    part = {"kind": "tabular", "source": {"kind": "files", "path": "x.csv"}} | changes
    return Document.model_validate({"monitors": [{"name": name, **part} for name in names]})


def present(context: Context) -> list[str]:
    with context.database.read() as session:
        return [w.config.name for w in monitors.listed(session)]


def test_a_created_monitor_pulls_at_once_and_a_revision_and_the_trail_say_who(context: Context) -> None:
    apply(context, document("a", "b"), "ana")
    assert present(context) == ["a", "b"]
    with context.database.read() as session:
        runs = session.execute(sa.select(tables.runs.c.job, tables.runs.c.slot, tables.runs.c.state)).all()
        revision = session.execute(sa.select(tables.config_revisions)).one()
        assert [tuple(r) for r in runs] == [("pull", "created", "queued")] * 2
        assert (revision.actor, revision.origin) == ("ana", "file")
        assert [e.subject for e in audit.about(session, ["monitor:a", "monitor:b"])] == [
            "monitor:b",
            "monitor:a",
        ]


def test_what_is_in_force_is_not_changed_by_planning_or_applying_it_again(context: Context) -> None:
    apply(context, document("a"), "ana")
    assert plan(context, document("a")).changes == []
    assert apply(context, document("a"), "ana") == []


def test_a_deletion_needs_yes_and_frees_the_name(context: Context) -> None:
    apply(context, document("a", "b"), "ana")
    with pytest.raises(MonitorError, match="removes monitor b; say --yes"):
        apply(context, document("a"), "ana")
    assert present(context) == ["a", "b"]
    apply(context, document("a"), "ana", yes=True)
    assert present(context) == ["a"]
    apply(context, document("a", "b"), "ana")
    assert present(context) == ["a", "b"]


def test_rows_keep_their_identity(context: Context) -> None:
    apply(context, document("a"), "ana")
    with context.database.write() as session:
        session.execute(sa.update(tables.monitors).values(next_reading=5))
    with pytest.raises(MonitorError, match="key cannot change once rows are stored"):
        apply(context, document("a", key=["id"]), "ana")
    apply(context, document("a", schedule={"pull": "7s"}), "ana")


def test_what_the_dashboard_changed_is_shown_and_kept_unless_told_otherwise(context: Context) -> None:
    apply(context, document("a"), "ana")
    ben = document("a", alerts={"budget": "3/day"})
    with context.database.write() as session:
        change = differences(document("a"), ben)[0]
        configuration.carry_out(session, change, ben, context.now())
        configuration.revise(session, ben, "ben", "dashboard", context.now())
    file = document("a", schedule={"pull": "7s"})
    assert plan(context, file).drift[0].fields == (("alerts.budget", 20.0, 3.0),)
    with pytest.raises(Conflict, match="overwrite"):
        apply(context, file, "ana")
    apply(context, file, "ana", overwrite=True)
    with context.database.read() as session:
        assert configuration.current(session) == file
