"""What every channel promises, checked on each of them."""

import socket

import pytest

from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Document
from monitor.notifiers import NOTIFIERS, DeliveryFailed, Message, Notifier, open_notifier

CANARY = "canary-5ecret"
UNREACHABLE = [
    "${NOT_SET}", "ftp://x/", "no address", "http://127.0.0.1:1/", "http://[::1]:1/", "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]/",
]  # fmt: skip
SCHEMES = {"webhook": "http", "email": "smtp"}  # in which a channel's address can be written without TLS
NEEDS = {"webhook": {"secret": "${CHANNEL_SECRET}"}, "email": {"to": ["a@example.org"]}}
MESSAGE = Message("s", "t", "low", "", "k", {})


def channel(kind: str, url: str) -> Notifier:
    address = url.replace("http://", f"{SCHEMES[kind]}://", 1)
    document = {"channels": [{"name": "desk", "kind": kind, "url": address, **NEEDS[kind]}]}
    return open_notifier(Document.model_validate(document).channels[0])


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNEL_SECRET", CANARY)
    monkeypatch.delenv("MONITOR_EGRESS_ALLOW", raising=False)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_opening_reaches_nothing_and_needs_no_secret(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANNEL_SECRET")
    channel(kind, "${NOT_SET}")


@pytest.mark.parametrize("kind", NOTIFIERS)
@pytest.mark.parametrize("url", UNREACHABLE)
def test_an_address_that_may_not_be_reached_is_a_lasting_failure(kind: str, url: str) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        channel(kind, url).send(MESSAGE)
    assert caught.value.permanent


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_a_receiver_that_is_down_is_a_passing_failure(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", f"127.0.0.1:{port}")
    with pytest.raises(DeliveryFailed) as caught:
        channel(kind, f"http://127.0.0.1:{port}/").send(MESSAGE)
    assert not caught.value.permanent


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_no_secret_shows_in_a_failure(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"http://user:{CANARY}@127.0.0.1:1/{CANARY}?token={CANARY}")
    with pytest.raises(DeliveryFailed) as caught:
        channel(kind, "${HOOK}").send(MESSAGE)
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert caught.value.__suppress_context__


def test_a_failure_is_one_of_the_products_own() -> None:
    assert issubclass(DeliveryFailed, MonitorError)
