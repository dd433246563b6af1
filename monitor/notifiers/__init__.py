"""Channels: who is told. A new one is one file with one class, and one line here."""

from typing import Any

from monitor.domain.monitor import Webhook as Configured
from monitor.notifiers.base import DeliveryFailed, Message, Notifier, Opener
from monitor.notifiers.webhook import Webhook

NOTIFIERS: dict[str, Opener] = {"webhook": Webhook}

__all__ = ["NOTIFIERS", "DeliveryFailed", "Message", "Notifier", "open_notifier"]


def open_notifier(config: Configured, **options: Any) -> Notifier:
    """The channel for its configuration; secrets are resolved when a message is sent, not before."""
    return NOTIFIERS[config.kind](config, **options)
