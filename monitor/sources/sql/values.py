"""Cursor values as JSON and back, each exactly what the driver gave."""

import base64
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from monitor.domain.errors import SourceRefused

WRITE: dict[type, Any] = {
    bool: bool, int: int, str: str, float: repr, Decimal: str, uuid.UUID: str,
    datetime: datetime.isoformat, date: date.isoformat, time: time.isoformat,
    bytes: lambda value: base64.b64encode(value).decode(),
}  # fmt: skip
READ: dict[str, Any] = {
    "bool": bool, "int": int, "str": str, "float": float, "Decimal": Decimal, "UUID": uuid.UUID,
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "time": time.fromisoformat,
    "bytes": base64.b64decode,
}  # fmt: skip


def write(column: str, value: Any) -> list[Any]:
    """[type, JSON value]; SourceRefused for a type that has no order worth a cursor.

    >>> write("id", Decimal("1.50"))
    ['Decimal', '1.50']
    """
    if type(value) not in WRITE:
        raise SourceRefused(
            f"cursor column {column!r} holds {type(value).__name__}; expected numbers, text, times, UUIDs or bytes"
        )
    return [type(value).__name__, WRITE[type(value)](value)]


def read(stored: list[Any]) -> Any:
    """The reverse of :func:`write`."""
    return READ[stored[0]](stored[1])
