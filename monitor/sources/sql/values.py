"""Cursor values as JSON and back, each exactly what the driver gave."""

import base64
import re
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
HORIZON = 2200  # a cursor behind it would never see a row again
NUMBERS = {"bool", "int", "float", "Decimal"}
DAY = re.compile(r"(\d{4,})-\d\d-\d\d")


def places(value: Any) -> bool:
    """Whether rows can be read behind this value.

    >>> places("9999-12-31"), places("2026-11-23"), places(7), places(None)
    (False, True, True, False)
    """
    if isinstance(value, date):  # datetimes too
        return value.year < HORIZON
    if isinstance(value, str):
        day = DAY.match(value)
        return int(day[1]) < HORIZON if day else value != "infinity"
    return value is not None


def family(value: Any) -> str:
    """What a value is ordered among: SQLite puts all text behind all numbers, so a cursor must keep to one of them.

    >>> family(7), family(7.5), family("7")
    ('number', 'number', 'str')
    """
    name = type(value).__name__
    return "number" if name in NUMBERS else name


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
