"""Mail by way of somebody's SMTP server."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Email as Configured
from monitor.egress import EgressRefused, connect, expand, redact
from monitor.notifiers.base import DeliveryFailed, Message

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
SECONDS = 30.0  # for a whole delivery; well below the time after which a claimed notification is due again
LONGEST = 200  # characters of a subject
FACTS = {
    "monitor": "Monitor",
    "entity": "Entity",
    "queue": "Queue",
    "first_event_at": "Began",
    "members": "Rows",
}


@dataclass(frozen=True)
class Address:
    """A server with how it is spoken to and who logs in."""

    scheme: str
    host: str
    port: int
    login: str
    password: str

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises EgressRefused for what is no address of a mail server, without repeating it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise EgressRefused("the address is no URL") from None
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise EgressRefused("the address is no mail server; expected smtps://login:password@host:port or "
                                "smtp+starttls://..., with % codes for special characters")  # fmt: skip
        login, password = unquote(parts.username or ""), unquote(parts.password or "")
        if login and parts.scheme == "smtp":
            raise EgressRefused(
                "a login over smtp:// would be readable on the way; use smtps:// or smtp+starttls://"
            )
        return cls(parts.scheme, parts.hostname, port or PORTS[parts.scheme], login, password)


class _Plain(smtplib.SMTP):
    """smtplib, on a connection that egress has checked."""

    _host = ""  # the name that TLS checks; smtplib sets it only where it connects at once

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host
        return connect(host, port, seconds=timeout)


class _Tls(smtplib.SMTP_SSL, _Plain):
    """The same with TLS from the first byte: SMTP_SSL wraps what the next class gives it."""


class Email:
    """Sends each message once; the same message again has the same Message-ID.

    >>> Email(Configured(name="desk", kind="email", url="${SMTP_URL}", to=["a@example.org"]))  # doctest: +ELLIPSIS
    <monitor.notifiers.email.Email object at ...>
    """

    def __init__(self, config: Configured) -> None:
        self._config = config

    def send(self, message: Message) -> None:
        secrets: list[str] = []
        try:
            url, secrets = expand(self._config.url)
            secrets = [*secrets, url]
            address = Address.of(url)
            secrets.append(address.password)
            refused = self._deliver(address, self.written(message, address))
        except MonitorError as fault:
            raise self._failed(str(fault), secrets, fault.permanent) from None
        except smtplib.SMTPRecipientsRefused as fault:
            raise self._failed(_refusals(fault.recipients), secrets, _for_good(fault.recipients)) from None
        except smtplib.SMTPResponseException as fault:
            said = f"the server answered {fault.smtp_code} {_text(fault.smtp_error)}"
            raise self._failed(said, secrets, fault.smtp_code >= 500) from None
        except smtplib.SMTPNotSupportedError as fault:
            raise self._failed(f"the server cannot do that: {fault}", secrets, True) from None
        except (OSError, smtplib.SMTPException) as fault:
            raise self._failed(f"no delivery: {fault or type(fault).__name__}", secrets, False) from None
        if refused:
            raise self._failed(f"sent, but not to all: {_refusals(refused)}", secrets, _for_good(refused))

    def written(self, message: Message, address: Address) -> EmailMessage:
        """The mail; nothing that a row holds can begin a header of its own."""
        sender = self._config.sender or (address.login if "@" in address.login else f"monitor@{address.host}")
        domain = sender.rpartition("@")[2]
        alert = _token(str(message.payload.get("alert", "")))
        mail = EmailMessage(policy=MAIL)
        mail["Subject"] = _line(message.subject).replace("=?", "= ?")[
            :LONGEST
        ]  # no encoded word: it may hold line ends
        mail["From"], mail["To"] = sender, ", ".join(self._config.to)
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{_token(message.idempotency_key)}.{alert or 'none'}@{domain}>"
        if alert:
            mail["References"] = f"<alert.{alert}@{domain}>"  # changes of one alert are one thread
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to it
        mail.set_content(_body(message))
        return mail

    def _deliver(self, address: Address, mail: EmailMessage) -> dict[str, Any]:
        context = ssl.create_default_context()
        tls = address.scheme == "smtps"
        server = _Tls(timeout=SECONDS, context=context) if tls else _Plain(timeout=SECONDS)
        with _until(server), server:
            server.connect(address.host, address.port)
            if address.scheme == "smtp+starttls":
                server.starttls(context=context)
            if address.login:
                server.login(address.login, address.password)
            return dict(server.send_message(mail))

    def _failed(self, words: str, secrets: list[str], permanent: bool) -> DeliveryFailed:
        return DeliveryFailed(redact(f"{self._config.name}: {_line(words)}", secrets), permanent=permanent)


@contextmanager
def _until(server: smtplib.SMTP) -> Iterator[None]:
    """Cut the connection at the end of its time: each single wait may be short and all of them endless."""

    def cut() -> None:
        if server.sock is not None:
            with suppress(OSError):
                server.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _body(message: Message) -> str:
    facts = [f"{title}: {_line(str(message.payload[name]))}" for name, title in FACTS.items()
             if message.payload.get(name) is not None]  # fmt: skip
    parts = [message.text, "\n".join([f"Severity: {message.severity}", *facts]), message.url]
    text = "\n\n".join(part for part in parts if part)
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode() + "\n"


def _line(text: str) -> str:
    """One line without anything that could drive a terminal or a mail program."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())


def _token(text: str) -> str:
    """What may stand left of the @ in a Message-ID (RFC 5322, dot-atom)."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}" for c in text)[:100]


def _refusals(recipients: dict[str, Any]) -> str:
    return "; ".join(f"{to}: {code} {_text(said)}" for to, (code, said) in recipients.items())


def _for_good(recipients: dict[str, Any]) -> bool:
    return all(code >= 500 for code, _ in recipients.values())


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
