"""Mail to a real server on this machine: what arrives, what is worth trying again, what never is."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from monitor.domain.monitor import Email as Configured
from monitor.notifiers import DeliveryFailed, Message, email, open_notifier

MESSAGE = Message("High: cards, c7", "amount is 900, usually below 50", "high", "https://m.example/a/1", "12-desk",
                  {"alert": "k3m9x2a", "monitor": "cards", "entity": "c7", "members": 3})  # fmt: skip


@dataclass
class Place:
    """What the server answers to each command, and what it took."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    silence: float = 0.0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, to: str, _options: Any
    ) -> str:
        answer = self.answers.get(to) or self.answers.get("RCPT")
        if answer:
            return answer
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.got.append((envelope, parsed))
        return "250 taken"

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=self.logins[-1][1] == "p@ss/canary", handled=False)


class Server(Controller):
    """On a port of its own; with ``tls`` from the first byte, or with STARTTLS and a login."""

    def __init__(self, place: Place, tls: ssl.SSLContext | None, start: ssl.SSLContext | None) -> None:
        self.place, self.start_tls = place, start
        super().__init__(place, hostname="127.0.0.1", port=0, ssl_context=tls)

    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=True, tls_context=self.start_tls, authenticator=self.place.login,
                    auth_require_tls=self.start_tls is not None)  # fmt: skip

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.place.port = self.port = self.server.sockets[0].getsockname()[1]
        client = ssl.create_default_context()
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), 5) as plain:
            if self.ssl_context is None:
                plain.recv(1)
            else:
                with client.wrap_socket(plain) as secured:
                    secured.recv(1)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", "127.0.0.0/8")
    made = Place()
    server = Server(made, None, None)
    server.start()
    yield made
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    words = [*made.split(), "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(words, check=True, capture_output=True)
    return folder


def sent(place: Place, message: Message = MESSAGE, **changes: Any) -> EmailMessage:
    channel(place, **changes).send(message)
    return place.got[-1][1]


def channel(place: Place, **changes: Any) -> Any:
    part = {
        "name": "desk",
        "kind": "email",
        "url": f"smtp://127.0.0.1:{place.port}",
        "to": ["ana@example.org"],
    }
    return open_notifier(Configured.model_validate(part | changes))


def failure(place: Place, message: Message = MESSAGE, **changes: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        channel(place, **changes).send(message)
    return caught.value


def test_a_mail_says_what_happened_and_has_its_key_as_message_id(place: Place) -> None:
    mail = sent(place, to=["ana@example.org", "ben@example.org"], sender="monitor@bank.example")
    assert (mail["Subject"], mail["From"]) == ("High: cards, c7", "monitor@bank.example")
    assert mail["To"] == "ana@example.org, ben@example.org"
    assert mail["Message-ID"] == "<12-desk.k3m9x2a@bank.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    for part in (MESSAGE.text, "Severity: high", "Entity: c7", "Rows: 3", MESSAGE.url):
        assert part in text
    assert place.got[0][0].rcpt_tos == ["ana@example.org", "ben@example.org"]


def test_a_repeat_has_the_same_message_id_and_another_message_has_not(place: Place) -> None:
    ids = [sent(place)["Message-ID"], sent(place)["Message-ID"]]
    other = Message("s", "t", "low", "", "13-desk", MESSAGE.payload)
    mail = sent(place, other)
    assert ids[0] == ids[1] != mail["Message-ID"]
    assert mail["References"] == "<alert.k3m9x2a@127.0.0.1>", "changes of one alert are one thread"


@pytest.mark.parametrize(
    "hostile",
    ["c7\r\nBcc: eve@example.org", "c7\nBcc: eve@example.org\n\nbody", "c7\rBcc: eve@example.org",
     "c7\u2028Bcc: eve@example.org", "c7\x85Bcc: eve@example.org", "=?utf-8?q?c7=0d=0aBcc:_eve@example.org?=",
     "c7\0\x1b[31m", "a\udcff", "x" * 5000],
)  # fmt: skip
def test_no_name_starts_a_header(place: Place, hostile: str) -> None:
    payload = {"alert": hostile, "entity": hostile}
    mail = sent(place, Message(f"High: cards, {hostile}", hostile, "high", "", f"12-{hostile}", payload))
    assert "Bcc" not in mail
    assert set(mail.keys()) == {"Subject", "From", "To", "Date", "Message-ID", "References", "Auto-Submitted",
                                "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}  # fmt: skip
    assert place.got[0][0].rcpt_tos == ["ana@example.org"]


def test_a_dot_on_a_line_of_its_own_does_not_end_the_mail(place: Place) -> None:
    mail = sent(place, Message("s", "before\n.\nafter ü", "low", "", "k", {}))
    assert "before\n.\nafter ü" in mail.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("command", "answer"), [("RCPT", "451 try later"), ("DATA", "452 full"), ("RCPT", "421 bye")]
)
def test_a_passing_refusal_is_worth_trying_again(place: Place, command: str, answer: str) -> None:
    place.answers[command] = answer
    assert not failure(place).permanent


@pytest.mark.parametrize(("command", "answer"), [("RCPT", "550 no such user"), ("DATA", "554 spam")])
def test_a_lasting_refusal_is_not(place: Place, command: str, answer: str) -> None:
    place.answers[command] = answer
    fault = failure(place)
    assert (fault.permanent, answer in str(fault)) == (True, True)


def test_a_mail_that_only_some_get_says_who_does_not(place: Place) -> None:
    place.answers["ben@example.org"] = "550 gone"
    fault = failure(place, to=["ana@example.org", "ben@example.org"])
    assert (fault.permanent, len(place.got)) == (True, 1)
    assert "sent, but not to all: ben@example.org: 550 gone" in str(fault)


def test_a_login_goes_over_tls_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", f"smtp://ana:canary@127.0.0.1:{place.port}")
    fault = failure(place, url="${SMTP_URL}")
    assert (fault.permanent, "canary" in str(fault), place.logins) == (True, False, [])


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_login_is_taken_from_the_environment(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    made = Place()
    server = Server(made, context if scheme == "smtps" else None, context if scheme != "smtps" else None)
    server.start()
    try:
        monkeypatch.setenv("SMTP_URL", f"{scheme}://ana%40bank.example:p%40ss%2Fcanary@localhost:{made.port}")
        mail = sent(made, url="${SMTP_URL}")
        assert (made.logins, mail["From"]) == ([("ana@bank.example", "p@ss/canary")], "ana@bank.example")
        monkeypatch.setenv("SMTP_URL", f"{scheme}://ana:wrong-canary@localhost:{made.port}")
        fault = failure(made, url="${SMTP_URL}")
        assert (fault.permanent, "535" in str(fault), "canary" in str(fault)) == (True, True, False), fault
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in str(failure(made, url="${SMTP_URL}")), (
            "whoever nobody vouches for is not trusted"
        )
        assert len(made.got) == 1
    finally:
        server.stop()


def test_starttls_that_the_server_lacks_is_not_done_without(place: Place) -> None:
    fault = failure(place, url=f"smtp+starttls://127.0.0.1:{place.port}")
    assert (fault.permanent, place.got) == (True, [])


def test_a_silent_server_is_given_up_for_now(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        fault = failure(place, url=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
    assert (fault.permanent, time.monotonic() - started < 5) == (False, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": ["a@b\r\nBcc: eve@example.org"]}, "is not a mail address"),
        ({"to": ["ana"]}, "is not a mail address"),
        ({"to": []}, "at least 1"),
        ({"sender": "Ana <a@example.org>"}, "is not a mail address"),
    ],
)
def test_what_is_no_mailbox_is_refused_when_it_is_written(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        channel(Place(), **changes)
