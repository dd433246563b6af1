"""Signed JSON, told apart: accepted, worth trying again, never."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from receiver import Answer, Receiver, receiver

from monitor.domain.monitor import Webhook as Configured
from monitor.notifiers import DeliveryFailed, Message, open_notifier
from monitor.notifiers.webhook import Webhook

NOW = 1_795_000_000.0
MESSAGE = Message(
    "High: cards", "amount is 900, usually below 50", "high", "https://m.example/a/1", "key-1", {"id": 7}
)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("DESK_SECRET", "s3cr3t-canary")
    with receiver() as made:
        monkeypatch.setenv("DESK_URL", made.url)
        yield made


def webhook() -> Webhook:
    return Webhook(
        Configured(name="desk", kind="webhook", url="${DESK_URL}", secret="${DESK_SECRET}"), clock=lambda: NOW
    )


def failure(place: Receiver, answer: Answer) -> DeliveryFailed:
    place.answer = answer
    with pytest.raises(DeliveryFailed) as caught:
        webhook().send(MESSAGE)
    return caught.value


def test_a_message_arrives_as_json_with_its_key(place: Receiver) -> None:
    webhook().send(MESSAGE)
    headers, body = place.got[0]
    told = {"subject": MESSAGE.subject, "text": MESSAGE.text, "severity": "high", "url": MESSAGE.url}
    assert json.loads(body) == told | {"idempotency_key": "key-1", "payload": {"id": 7}}
    assert (headers["idempotency-key"], headers["content-type"]) == ("key-1", "application/json")


def test_the_signature_can_be_checked_by_the_receiver(place: Receiver) -> None:
    webhook().send(MESSAGE)
    headers, body = place.got[0]
    signed = headers["x-monitor-timestamp"].encode() + b"." + body
    expected = hmac.new(b"s3cr3t-canary", signed, hashlib.sha256).hexdigest()
    assert (headers["x-monitor-signature"], headers["x-monitor-timestamp"]) == (expected, str(int(NOW)))


def test_without_a_secret_nothing_pretends_to_be_signed(place: Receiver) -> None:
    open_notifier(Configured(name="desk", kind="webhook", url=place.url)).send(MESSAGE)
    assert "x-monitor-signature" not in place.got[0][0]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_accepted(place: Receiver, status: int) -> None:
    place.answer = Answer(status, body=b"")
    webhook().send(MESSAGE)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_refusal_is_worth_trying_again(place: Receiver, status: int) -> None:
    assert not failure(place, Answer(status)).permanent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_lasting_refusal_is_not(place: Receiver, status: int) -> None:
    fault = failure(place, Answer(status))
    assert (fault.permanent, str(status) in str(fault), fault.retry_after) == (True, True, None)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(place: Receiver, status: int) -> None:
    assert failure(place, Answer(status, {"Location": "http://169.254.169.254/"})).permanent
    assert len(place.got) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=90), usegmt=True), 0.0),
        ("99999999999", 86_400.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_the_receiver_may_say_when_to_come_back(place: Receiver, header: str, seconds: float | None) -> None:
    assert failure(place, Answer(429, {"Retry-After": header})).retry_after == seconds


def test_a_trickling_answer_is_cut_off(place: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.notifiers.webhook.SECONDS", 0.3)
    assert not failure(place, Answer(body=b"x" * 1000, trickle=0.05)).permanent


def test_a_silent_receiver_is_given_up_for_now(place: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.notifiers.webhook.SECONDS", 0.1)
    assert not failure(place, Answer(silence=0.4)).permanent


def test_an_endless_answer_is_cut_off(place: Receiver) -> None:
    assert "more than 1048576 bytes" in str(failure(place, Answer(body=b"x" * 3_000_000)))


def test_a_line_break_in_a_key_starts_no_header(place: Receiver) -> None:
    message = Message("s", "t", "low", "", "a\r\nX-Evil: 1", {})
    with pytest.raises(DeliveryFailed):
        webhook().send(message)
    assert not place.got


def test_text_that_is_no_unicode_is_sent_escaped(place: Receiver) -> None:
    webhook().send(
        Message("s", "a\udcff\u2028<script>", "low", "", "k", {"t": datetime(2026, 1, 1, tzinfo=UTC)})
    )
    assert json.loads(place.got[0][1])["payload"]["t"].startswith("2026-01-01")
