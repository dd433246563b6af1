"""What leaves: only to public addresses, resolved once, within limits; and secrets stay out of messages."""

import socket
from typing import Any

import pytest

from monitor.egress import EgressFailed, EgressRefused, VariableUnset, expand, post, redact, resolve

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name be at these addresses."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr("monitor.egress.socket.getaddrinfo", look_up)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, address)
    with pytest.raises(EgressRefused, match=r"hook\.example:443 is at .* not public"):
        resolve("hook.example", 443, [])


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, address)
    assert resolve("hook.example", 443, []) == [address]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, PUBLIC[0], "10.0.0.1")
    with pytest.raises(EgressRefused):
        resolve("hook.example", 443, [])


@pytest.mark.parametrize("entry", ["10.0.0.0/8", "10.0.0.1", "hook.example:443"])
def test_what_is_listed_may_be_private(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "10.0.0.1")
    assert resolve("hook.example", 443, [entry]) == ["10.0.0.1"]


@pytest.mark.parametrize(
    "entry", ["10.1.0.0/16", "hook.example:80", "hook.example", "other.example:443", "nonsense", ""]
)
def test_what_is_not_listed_may_not(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "10.0.0.1")
    with pytest.raises(EgressRefused):
        resolve("hook.example", 443, [entry])


def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up could give another answer (DNS rebinding); there is none."""
    asked: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host == "127.0.0.1":  # connecting to an address asks for that address
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with server, pytest.raises(EgressFailed):
        post(f"http://hook.example:{port}/", b"", {}, seconds=0.1, allow=["127.0.0.0/8"])
    assert asked == ["hook.example"]


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "", "//x", "http://", "http://a b/"]
)
def test_what_is_no_web_address_fails_in_the_products_own_words(url: str) -> None:
    with pytest.raises((EgressRefused, EgressFailed)):
        post(url, b"", {}, seconds=0.5)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    names(monkeypatch, "10.0.0.1")
    with pytest.raises(EgressRefused, match=r"hook\.example"):
        post("http://hook.example/", b"", {}, allow=[])


def test_variables_are_put_in_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "one")
    monkeypatch.setenv("B", "")
    assert expand("x${A}y${B}z$A${1}") == ("xoneyz$A${1}", ["one", ""])


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(VariableUnset, match="NOT_SET is not set"):
        expand("db://${NOT_SET}")


def test_longer_secrets_are_taken_out_first() -> None:
    assert redact("abc abcd", ["abc", "abcd", ""]) == "*** ***"
