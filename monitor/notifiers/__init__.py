"""Channels: who is told. A new one is one file with one class, and one line here."""

from typing import Any

from monitor.domain.monitor import Channel
from monitor.notifiers.base import DeliveryFailed, Message, Notifier, Opener
from monitor.notifiers.email import Email
from monitor.notifiers.webhook import Webhook

NOTIFIERS: dict[str, Opener] = {"email": Email, "webhook": Webhook}

__all__ = ["NOTIFIERS", "DeliveryFailed", "Message", "Notifier", "open_notifier"]


def open_notifier(config: Channel, **options: Any) -> Notifier:
    """The channel for its configuration; secrets are resolved when a message is sent, not before."""
    return NOTIFIERS[config.kind](config, **options)
