"""The outbox against a receiver that answers, refuses and comes back."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa

from monitor.domain.run import Request, Run
from monitor.jobs.context import Context
from monitor.jobs.notify import notify
from monitor.storage import outbox, runs, tables

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Receiver(HTTPServer):
    """Answers with the status of the path, and keeps the idempotency keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.keys: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", "127.0.0.0/8")
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def prepare(context: Context, port: int, channels: dict[str, int], changes: int = 1) -> Run:
    """Channels that answer with a status each, one alert, and its changes in the outbox."""
    with context.database.write() as session:
        for name, status in channels.items():
            document = {"name": name, "kind": "webhook", "url": f"http://127.0.0.1:{port}/{status}"}
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
            change_id = session.execute(
                sa.insert(tables.alert_changes)
                .values(alert_id=alert_id, at=NOW, kind="opened", actor="monitor", detail={})
                .returning(tables.alert_changes.c.change_id)
            ).scalar_one()
            outbox.enqueue(session, change_id, list(channels), NOW)
        runs.offer(session, Request("notify", None, "s"), "me", context.now())
        run = runs.claim(session, ["notify"], "w", context.now(), 600)
    assert run is not None
    return run


def states(context: Context) -> list[tuple[str, str, int]]:
    n = tables.notifications.c
    with context.database.read() as session:
        return [
            tuple(r)
            for r in session.execute(sa.select(n.channel, n.state, n.attempts).order_by(n.notification_id))
        ]


def test_each_change_is_sent_once_and_in_order(context: Context, receiver: Receiver) -> None:
    run = prepare(context, receiver.server_port, {"desk": 204}, changes=3)
    assert notify(context, run).counts == {"sent": 3, "failed": 0, "dead": 0}
    assert notify(context, run).counts["sent"] == 0
    assert receiver.keys == [f"{n}-desk" for n in range(1, 4)]


def test_a_channel_in_trouble_waits_and_does_not_hold_up_another(
    context: Context, receiver: Receiver
) -> None:
    run = prepare(context, receiver.server_port, {"down": 503, "well": 204}, changes=2)
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
    context: Context, receiver: Receiver
) -> None:
    run = prepare(context, receiver.server_port, {"strict": 400}, changes=2)
    assert notify(context, run).counts == {"sent": 0, "failed": 0, "dead": 2}
    assert [s for _, s, _ in states(context)] == ["dead", "dead"]


def test_a_claimed_notification_whose_sender_died_is_due_again_with_the_same_key(
    context: Context, receiver: Receiver
) -> None:
    run = prepare(context, receiver.server_port, {"desk": 204})
    with context.database.write() as session:
        first = outbox.claim(session, "desk", context.now(), seconds=-1)
    assert first is not None
    notify(context, run)
    assert receiver.keys == [first.idempotency_key]
