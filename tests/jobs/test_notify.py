"""The outbox against a receiver that answers, refuses and comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from receiver import Answer, Receiver, receiver

from monitor.domain.errors import Superseded
from monitor.domain.run import Request, Run
from monitor.jobs.context import Context
from monitor.jobs.notify import notify
from monitor.storage import leases, outbox, runs, tables
from monitor.storage.database import Session

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Answers with the status that the path names."""
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", "127.0.0.0/8")
    with receiver() as made:
        made.at = {f"/{status}": Answer(status) for status in (204, 400, 503)}
        yield made


def prepare(context: Context, place: Receiver, channels: dict[str, str | int], changes: int = 1) -> Run:
    """Channels that answer with a status each, one alert, and its changes in the outbox."""
    with context.database.write() as session:
        for name, status in channels.items():
            document = {"name": name, "kind": "webhook", "url": place.to(f"/{status}")}
            session.execute(sa.insert(tables.channels).values(name=name, document=document))
        monitor_id = session.execute(
            sa.insert(tables.monitors)
            .values(name="m", document={}, cursor={}, notices=[], created_at=NOW)
            .returning(tables.monitors.c.monitor_id)
        ).scalar_one()
        alert_id = session.execute(
            sa.insert(tables.alerts)
            .values(public_id="abc", monitor_id=monitor_id, queue="q", entity="e", state="open", severity=3, rank=1.0,
                    opened_at=NOW, first_event_at=NOW, last_event_at=NOW, members=1, p_value=0.001, why="why",
                    brief="b", fields=["x"], provisional=False)
            .returning(tables.alerts.c.alert_id)
        ).scalar_one()  # fmt: skip
        for _ in range(changes):
            change(session, alert_id, list(channels))
        runs.offer(session, Request("notify", None, "s"), "me", context.now())
        run = runs.claim(session, ["notify"], "w", context.now(), 600)
    assert run is not None
    return run


def change(session: Session, alert_id: int, channels: list[str]) -> None:
    new = sa.insert(tables.alert_changes).values(
        alert_id=alert_id, at=NOW, kind="opened", actor="monitor", detail={}
    )
    outbox.enqueue(
        session, session.execute(new.returning(tables.alert_changes.c.change_id)).scalar_one(), channels, NOW
    )


def states(context: Context) -> list[tuple[str, str, int]]:
    n = tables.notifications.c
    with context.database.read() as session:
        return [
            tuple(r)
            for r in session.execute(sa.select(n.channel, n.state, n.attempts).order_by(n.notification_id))
        ]


def test_each_change_is_sent_once_and_in_order(context: Context, place: Receiver) -> None:
    run = prepare(context, place, {"desk": 204}, changes=3)
    assert notify(context, run).counts == {"sent": 3, "failed": 0, "dead": 0}
    assert notify(context, run).counts["sent"] == 0
    assert place.keys == [f"{n}-desk" for n in range(1, 4)]


def test_a_channel_in_trouble_waits_and_does_not_hold_up_another(context: Context, place: Receiver) -> None:
    run = prepare(context, place, {"down": 503, "well": 204}, changes=2)
    notify(context, run)
    assert states(context) == [
        ("down", "pending", 1),
        ("well", "sent", 1),
        ("down", "pending", 0),
        ("well", "sent", 1),
    ]
    with context.database.read() as session:
        assert outbox.channels_due(session, context.now()) == []
        assert outbox.channels_due(session, context.now() + timedelta(hours=1)) == ["down"]


def test_a_payload_that_is_refused_for_good_is_dead_and_the_next_goes_on(
    context: Context, place: Receiver
) -> None:
    run = prepare(context, place, {"strict": 400}, changes=2)
    assert notify(context, run).counts == {"sent": 0, "failed": 0, "dead": 2}
    assert [s for _, s, _ in states(context)] == ["dead", "dead"]


def test_a_claimed_notification_whose_sender_died_is_due_again_with_the_same_key(
    context: Context, place: Receiver
) -> None:
    run = prepare(context, place, {"desk": 204})
    with context.database.write() as session:
        first = outbox.claim(session, "desk", context.now(), seconds=-1)
    assert first is not None
    notify(context, run)
    assert place.keys == [first.idempotency_key]


def test_a_slow_channel_holds_up_no_other_not_even_what_comes_meanwhile(
    context: Context, place: Receiver
) -> None:
    """The slow one answers only when the quick one has all of its own, the last of which came during the run."""
    enough = threading.Event()
    place.at["/slow"] = Answer(204, after=enough)
    run = prepare(context, place, {"a-slow": "slow", "quick": 204}, changes=2)
    totals: list[dict[str, int]] = []
    thread = threading.Thread(target=lambda: totals.append(notify(context, run).counts))
    thread.start()
    try:
        assert until(lambda: quick(place) == 2)
        with context.database.write() as session:
            change(session, 1, ["quick"])
        assert until(lambda: quick(place) == 3)
        assert place.keys.count("1-a-slow") == 1 and "2-a-slow" not in place.keys
    finally:
        enough.set()
        thread.join(20)
    assert totals == [{"sent": 5, "failed": 0, "dead": 0}]
    for channel in ("a-slow", "quick"):
        mine = [key for key in place.keys if key.endswith(channel)]
        assert mine == sorted(mine), "in the order in which they came"


def test_a_run_that_lost_its_lease_marks_nothing_and_ends(context: Context, place: Receiver) -> None:
    run = prepare(context, place, {"one": 204, "two": 204}, changes=2)
    with context.database.write() as session:
        leases.take_away(session, *leases.held(session))
        assert leases.acquire(session, run.fence.name, 99, "other", context.now(), 600)
    with pytest.raises(Superseded):
        notify(context, run)
    assert {state for _, state, _ in states(context)} == {"pending"}
    assert place.keys == []


def quick(place: Receiver) -> int:
    return sum(key.endswith("quick") for key in place.keys)


def until(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()
