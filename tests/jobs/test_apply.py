"""Plan and apply: all or nothing, nothing removed by accident, nothing of the dashboard lost."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.domain.document import differences
from monitor.domain.errors import Conflict, NeedsYes, Superseded
from monitor.domain.monitor import Document
from monitor.domain.run import Run
from monitor.jobs.apply import RowsStandAgainst, apply, plan
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import audit, channels, configuration, monitors, outbox, runs, tables


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
    with pytest.raises(NeedsYes, match="removes monitor b; say --yes"):
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
    with pytest.raises(RowsStandAgainst, match="key says what a stored row is; give the monitor a new name"):
        apply(context, document("a", key=["id"]), "ana")
    apply(context, document("a", schedule={"pull": "7s"}), "ana")


def tune(context: Context, changed: Document) -> None:
    """A change as the dashboard makes it."""
    with context.database.write() as session:
        for change in differences(configuration.current(session), changed):
            configuration.carry_out(session, change, changed, context.now(), "ben")
        configuration.revise(session, changed, "ben", "dashboard", context.now())


TUNED = document("a", alerts={"budget": "3/day"})


def test_what_the_dashboard_changed_is_shown_and_kept_unless_told_otherwise(context: Context) -> None:
    apply(context, document("a"), "ana")
    tune(context, TUNED)
    file = document("a", schedule={"pull": "7s"})
    assert plan(context, file).drift[0].fields == (("alerts.budget", 20.0, 3.0),)
    with pytest.raises(
        Conflict, match=r"(?s)last by ben at .* UTC; .*--overwrite.*alerts\.budget: 20\.0 -> 3\.0"
    ):
        apply(context, file, "ana")
    with context.database.read() as session:
        assert configuration.current(session) == TUNED
    apply(context, file, "ana", overwrite=True)
    with context.database.read() as session:
        assert configuration.current(session) == file
    assert plan(context, file).drift == []


def test_a_file_that_took_the_change_over_is_applied_without_a_word(context: Context) -> None:
    apply(context, document("a"), "ana")
    tune(context, TUNED)
    assert apply(context, TUNED, "ana") == []
    assert plan(context, TUNED).drift == [], "the file is the last word again"
    more = document("a", alerts={"budget": "3/day"}, schedule={"pull": "7s"})
    apply(context, more, "ana")
    with context.database.read() as session:
        assert configuration.current(session) == more


def test_what_is_exported_is_what_was_applied_in_its_order(context: Context) -> None:
    applied = document("b", "c", "a")
    apply(context, applied, "ana")
    with context.database.read() as session:
        assert configuration.current(session) == applied


def test_a_fault_on_the_way_leaves_nothing_applied(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(context, document("a"), "ana")

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(configuration, "revise", fail)
    with pytest.raises(RuntimeError):
        apply(context, document("b", "c"), "ana", yes=True)
    assert present(context) == ["a"]


def boiler(folder: Path, **changes: object) -> Document:
    part = {"source": {"kind": "files", "path": str(folder / "*.csv")}, "time": "at", **changes}
    return document("boiler", **part)


def feed(folder: Path, load: float = 1.0) -> None:
    lines = [f"2026-03-01T00:{n:02d}:00Z,{load + n}" for n in range(20)]
    (folder / "feed.csv").write_text("at,load\n" + "\n".join(lines) + "\n")


def watched(context: Context) -> monitors.Watched:
    with context.database.read() as session:
        return monitors.named(session, "boiler")


def test_a_monitor_that_was_removed_and_made_again_begins_with_no_rows(
    context: Context, tmp_path: Path
) -> None:
    feed(tmp_path)
    apply(context, boiler(tmp_path), "ana")
    run_now(context, "pull", "boiler", "ana")
    first = watched(context)
    apply(context, Document(), "ana", yes=True)
    apply(context, boiler(tmp_path), "ana")
    done = run_now(context, "pull", "boiler", "ana")
    assert done["counts"] == {"pulled": 20, "stored": 20, "quarantined": 0, "known": 0}
    with context.database.read() as session:
        kept = sa.table(f"readings_boiler_deleted_{first.monitor_id}")
        assert session.scalar(sa.select(sa.func.count()).select_from(kept)) == 20
    apply(context, Document(), "ana", yes=True)
    apply(context, boiler(tmp_path), "ana")
    assert run_now(context, "pull", "boiler", "ana")["counts"]["stored"] == 20, "a second time too"


def alerted(context: Context) -> int:
    """Write an open alert of the first monitor with its first change; returns the change_id."""
    now = context.now()
    with context.database.write() as session:
        alert = sa.insert(tables.alerts).values(
            public_id="abc", monitor_id=1, queue="default", state="open", severity=1, rank=1.0, opened_at=now,
            first_event_at=now, last_event_at=now, members=1, p_value=0.1, why="", brief="", fields=[],
            provisional=False,
        )  # fmt: skip
        alert_id = session.execute(alert.returning(tables.alerts.c.alert_id)).scalar_one()
        change = sa.insert(tables.alert_changes).values(
            alert_id=alert_id, at=now, kind="opened", actor="monitor", detail={}
        )
        return session.execute(change.returning(tables.alert_changes.c.change_id)).scalar_one()


def test_a_removed_monitor_leaves_no_open_alert_and_no_waiting_run(context: Context) -> None:
    apply(context, document("a"), "ana")
    alerted(context)
    apply(context, Document(), "ana", yes=True)
    with context.database.read() as session:
        assert session.scalars(sa.select(tables.alerts.c.state)).all() == ["closed"]
        last = session.execute(sa.select(tables.alert_changes).order_by(sa.desc("change_id"))).first()
        assert last is not None
        assert (last.kind, last.actor, last.detail) == (
            "closed",
            "ana",
            {"reason": "the monitor was removed"},
        )
        assert session.scalars(sa.select(tables.runs.c.state)).all() == ["refused"]


def claimed(context: Context) -> Run:
    with context.database.write() as session:
        run = runs.claim(session, ["pull"], "worker", context.now(), 60)
    assert run is not None
    return run


@pytest.mark.parametrize(
    "changed", [Document(), document("a", key=["id"])], ids=["removed", "read otherwise"]
)
def test_a_pull_that_is_under_way_may_not_write_for_what_is_no_more(
    context: Context, changed: Document
) -> None:
    apply(context, document("a"), "ana")
    run = claimed(context)
    apply(context, changed, "ana", yes=True)
    with pytest.raises(Superseded), context.write(run):
        raise AssertionError("the fence lets nobody in")


def test_a_pull_under_way_goes_on_when_only_the_policy_changes(context: Context) -> None:
    apply(context, document("a"), "ana")
    run = claimed(context)
    apply(context, TUNED, "ana")
    with context.write(run):
        pass


def test_a_wrong_time_is_put_right_and_every_row_is_read_again(context: Context, tmp_path: Path) -> None:
    feed(tmp_path)
    apply(context, boiler(tmp_path, time="load"), "ana")
    done = run_now(context, "pull", "boiler", "ana")
    assert (done["counts"]["stored"], done["counts"]["quarantined"]) == (0, 20)
    apply(context, boiler(tmp_path), "ana")
    assert watched(context).cursor == {}
    assert run_now(context, "pull", "boiler", "ana")["counts"]["stored"] == 20


def test_what_waits_for_a_removed_channel_is_not_sent(context: Context) -> None:
    desk = {"name": "desk", "kind": "webhook", "url": "https://example.org"}
    both = Document.model_validate(document("a").model_dump() | {"channels": [desk]})
    apply(context, both, "ana")
    change_id = alerted(context)
    with context.database.write() as session:
        outbox.enqueue(session, change_id, ["desk"], context.now())
    apply(context, document("a"), "ana", yes=True)
    with context.database.read() as session:
        assert outbox.channels_due(session, context.now()) == []
        assert session.scalar(sa.select(tables.notifications.c.error)) == "the channel was removed"
    apply(context, both, "ana")
    with context.database.read() as session:
        assert configuration.current(session) == both, "a channel may come back under its name"


def test_channels_of_every_kind_are_stored_and_read_back(context: Context) -> None:
    kinds = [
        {"name": "hook", "kind": "webhook", "url": "${HOOK}"},
        {"name": "mail", "kind": "email", "url": "${SMTP_URL}", "to": ["a@example.org"], "severity": "high"},
    ]
    applied = Document.model_validate({"channels": kinds})
    apply(context, applied, "ana")
    with context.database.read() as session:
        assert configuration.current(session) == applied
        assert [channels.get(session, c.name) for c in applied.channels] == applied.channels
