"""The one contract of a channel."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from monitor.domain.errors import MonitorError


@dataclass(frozen=True)
class Message:
    """What is told about one change of an alert.

    payload: JSON, for machines. idempotency_key: the same for every attempt, so that a receiver can drop a repeat.
    """

    subject: str
    text: str
    severity: str
    url: str
    idempotency_key: str
    payload: dict[str, Any] = field(default_factory=dict)


class DeliveryFailed(MonitorError):
    """The message was not accepted; permanent: it never will be; retry_after: seconds the receiver asked for."""

    def __init__(self, message: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(message, permanent=permanent)
        self.retry_after = retry_after


class Notifier(Protocol):
    """One channel, one file, one class, one verb."""

    def send(self, message: Message) -> None:
        """Returns when the receiver has accepted the message.

        Raises DeliveryFailed, and nothing else; its text shows no secret.
        """
        ...


Opener = Callable[..., Notifier]
