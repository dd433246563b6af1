"""What waits in the outbox is part of how the installation fares."""

import json
from datetime import timedelta
from typing import Any

import pytest
import seed
import sqlalchemy as sa

from monitor.cli.output import stamp
from monitor.jobs import mute
from monitor.jobs.context import Context
from monitor.storage import outbox, tables


def tell(context: Context, minutes: float, **values: Any) -> None:
    """One notification for the desk about what happened so long ago."""
    at = context.now() - timedelta(minutes=minutes)
    with context.database.write() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(tables.channels)) == 0:
            for name in ("desk", "quiet"):
                document = {"name": name, "kind": "webhook", "url": "${HOOK}"}
                session.execute(sa.insert(tables.channels).values(name=name, document=document))
            session.execute(
                sa.insert(tables.monitors).values(
                    monitor_id=1,
                    name="gone",
                    document={},
                    cursor={},
                    notices=[],
                    created_at=at,
                    deleted_at=at,
                )
            )
            session.execute(
                sa.insert(tables.alerts).values(
                    alert_id=1, public_id="abc", monitor_id=1, queue="q", state="open", severity=3, rank=1.0,
                    opened_at=at, first_event_at=at, last_event_at=at, members=1, p_value=0.001, why="w", brief="b",
                    fields=[], provisional=False,
                )
            )  # fmt: skip
        change = sa.insert(tables.alert_changes).values(
            alert_id=1, at=at, kind="opened", actor="monitor", detail={}
        )
        change_id = session.execute(change.returning(tables.alert_changes.c.change_id)).scalar_one()
        outbox.enqueue(session, change_id, ["desk"], at)
        if values:
            n = tables.notifications
            session.execute(sa.update(n).where(n.c.change_id == change_id).values(**values))


def channels(shell: Any) -> tuple[int, dict[str, dict[str, Any]]]:
    code, out, _ = shell("status", "--json")
    return code, {c["channel"]: c for c in json.loads(out)["channels"]}


def test_messages_on_their_way_are_no_trouble(context: Context, shell: Any) -> None:
    tell(context, 1)
    tell(context, 60, state="sent", sent_at=context.now())
    code, found = channels(shell)
    assert code == 0
    assert (found["desk"]["state"], found["desk"]["pending"], found["quiet"]["state"]) == (
        "on time",
        1,
        "on time",
    )


def test_messages_that_wait_long_are_late_and_the_reason_is_said(context: Context, shell: Any) -> None:
    tell(context, 40, error="the receiver answered 503; expected 2xx", attempts=7)
    tell(context, 1)
    code, found = channels(shell)
    assert (code, found["desk"]["state"], found["desk"]["pending"]) == (1, "late", 2)
    text = shell("status")[1]
    assert "desk" in text and "the receiver answered 503" in text


@pytest.mark.parametrize(("hours", "code", "state"), [(1, 1, "failing"), (30, 0, "on time")])
def test_messages_that_were_given_up_count_for_a_day(
    context: Context, shell: Any, hours: int, code: int, state: str
) -> None:
    gone = context.now() - timedelta(hours=hours)
    tell(context, hours * 60, state="dead", due_at=gone, error="the receiver answered 400; expected 2xx")
    got, found = channels(shell)
    assert (got, found["desk"]["state"], found["desk"]["dead"]) == (code, state, 1)


def test_a_channel_that_was_removed_is_not_waited_for(context: Context, shell: Any) -> None:
    tell(context, 40)
    with context.database.write() as session:
        session.execute(sa.update(tables.channels).values(deleted_at=context.now()))
    assert channels(shell) == (0, {})


def test_a_run_that_will_be_tried_again_says_when_and_why(context: Context, shell: Any) -> None:
    seed.fill(context.database, days=1)
    again = context.now() + timedelta(minutes=3)
    with context.database.write() as session:
        seeded = seed.Seed(session, context.now())
        seeded.run(1, "pull", 0.2, "queued", attempt=2, not_before=again, message="the server did not answer")
        seeded.run(
            2, "pull", 0.2, "queued", attempt=1, message="stopped by the operator; goes on at the next start"
        )
        seeded.flush()
    found = {m["monitor"]: m for m in json.loads(shell("status", "--json")[1])["monitors"]}
    card = found["card-payments"]
    assert (card["state"], found["pump-line-3"]["state"]) == ("retrying", "on time")
    assert (
        card["message"]
        == f"pull: retrying at {stamp(again, context.now())}, because the server did not answer"
    )


def test_a_monitor_that_is_muted_says_so(context: Context, shell: Any) -> None:
    seed.fill(context.database, days=1)
    until = context.now() + timedelta(days=1)
    with context.database.write() as session:
        mute.add(session, "host", "ana", context.now(), entity=None, until=until, reason="new disks")
        mute.add(
            session, "card-payments", "ana", context.now(), entity="c1", until=until, reason="a test card"
        )
    found = {m["monitor"]: m["message"] for m in json.loads(shell("status", "--json")[1])["monitors"]}
    assert found["host"] == f"muted until {stamp(until, context.now())} by ana: new disks"
    assert "muted" not in (found["card-payments"] or "")


def test_an_alert_that_is_not_there_names_the_newest_with_their_monitors(
    context: Context, shell: Any
) -> None:
    assert "there is no alert 'nope'; known: none yet" in shell("alerts", "show", "nope")[2]
    seed.fill(context.database, days=1)
    code, _, err = shell("alerts", "show", "nope")
    assert code == 2 and err.count(" of ") == 5
    assert " of pump-line-3 (open), " in err and " of card-payments (" in err
