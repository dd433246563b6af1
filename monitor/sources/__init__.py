"""Connectors: where rows come from. A new one is one file (or folder) with one class, and one line here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from monitor.domain.field import Schema
from monitor.domain.monitor import Source as Configured
from monitor.sources.base import Batch, Cursor, Source
from monitor.sources.files import Files
from monitor.sources.host import Host
from monitor.sources.sql import Sql

SOURCES: dict[str, Callable[..., Source]] = {"files": Files, "sql": Sql, "host": Host}

__all__ = ["SOURCES", "Batch", "Cursor", "Source", "open_source"]


def open_source(
    config: Configured,
    *,
    zone: str = "UTC",
    schema: Schema | None = None,
    late: timedelta = timedelta(0),
    **options: Any,
) -> Source:
    """The connector for a configured source; nothing is opened, and no secret resolved, before ``read``.

    zone: of times that carry none. schema: the pinned fields, so that a source without types of its own (CSV) parses
    them as pinned. late: how long after its time a row may appear at the source.
    """
    return SOURCES[config.kind](config, zone=zone, schema=schema, late=late, **options)
