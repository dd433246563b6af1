"""Signed JSON to an http(s) address."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Webhook as Configured
from monitor.egress import expand, post, redact
from monitor.notifiers.base import DeliveryFailed, Message

SECONDS = 10.0  # for one delivery
PASSING = {408, 425, 429}  # besides 5xx: worth trying again
LONGEST_WAIT = 86_400.0  # seconds; a receiver cannot put us off for longer


class Webhook:
    """Posts each message once; who retries, and when, is decided elsewhere.

    The receiver checks ``X-Monitor-Signature``: hex HMAC-SHA256 (RFC 2104) with the channel's secret over
    ``<X-Monitor-Timestamp>.<body>``, and refuses old timestamps against replay.

    >>> Webhook(Configured(name="desk", kind="webhook", url="${HOOK}"))  # doctest: +ELLIPSIS
    <monitor.notifiers.webhook.Webhook object at ...>
    """

    def __init__(self, config: Configured, *, clock: Callable[[], float] = time.time) -> None:
        self._config, self._clock = config, clock

    def send(self, message: Message) -> None:
        secrets: list[str] = []
        try:
            url, secrets = expand(self._config.url)
            secret, more = expand(self._config.secret or "")
            secrets += [*more, url]
            body = _body(message)
            response = post(url, body, self._headers(message, body, secret), seconds=SECONDS)
        except MonitorError as fault:
            text = redact(f"{self._config.name}: {fault}", secrets)
            raise DeliveryFailed(text, permanent=fault.permanent) from None
        if not response.is_success:
            raise self._refusal(response.status_code, response.headers.get("Retry-After", ""))

    def _headers(self, message: Message, body: bytes, secret: str) -> dict[str, str]:
        at = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "monitor",
            "Idempotency-Key": message.idempotency_key.encode("ascii", "backslashreplace").decode(),
            "X-Monitor-Timestamp": at,
        }
        return headers | ({"X-Monitor-Signature": sign(secret, at, body)} if secret else {})

    def _refusal(self, status: int, retry_after: str) -> DeliveryFailed:
        passing = status in PASSING or status >= 500
        text = f"{self._config.name}: the receiver answered {status}; expected 2xx"
        wait = read_retry_after(retry_after, self._clock()) if passing else None
        return DeliveryFailed(text, permanent=not passing, retry_after=wait)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over ``timestamp.body``.

    >>> sign("s", "1", b"{}")[:8]
    'b253639b'
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_retry_after(text: str, now: float) -> float | None:
    """Seconds to wait, from seconds or an HTTP date (RFC 9110, 10.2.3); None where there is nothing to read.

    >>> read_retry_after("120", now=0.0)
    120.0
    """
    try:
        wait = (
            float(text) if text.strip().isdigit() else _aware(parsedate_to_datetime(text)).timestamp() - now
        )
    except ValueError:
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _body(message: Message) -> bytes:
    document = {
        "subject": message.subject,
        "text": message.text,
        "severity": message.severity,
        "url": message.url,
        "idempotency_key": message.idempotency_key,
        "payload": message.payload,
    }
    return json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
