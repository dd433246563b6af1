"""What a command prints: one JSON document, or text and tables that read well at 80 columns."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from monitor.jobs.context import Context

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; messages go to stderr.")]


@contextmanager
def opened() -> Iterator["Context"]:
    """A context on a database whose schema fits this release."""
    from monitor.app import open_context
    from monitor.storage import schema

    context = open_context()
    try:
        schema.ready(context.database)
        yield context
    finally:
        context.close()


def say(message: str) -> None:
    """A message to the person; never part of the JSON document."""
    print(message, file=sys.stderr)


def show(value: Any, as_json: bool, text: str) -> None:
    """The result: a JSON document if asked for, else the text."""
    print(json.dumps(value, default=plain, indent=1) if as_json else text)


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> str:
    """Aligned columns; ``empty`` says what to do where there are no rows."""
    if not rows:
        return empty
    cells = [[("" if v is None else str(v)) for v in row] for row in rows]
    widths = [max(len(columns[n]), *(len(row[n]) for row in cells)) for n in range(len(columns))]
    lines = [columns, *cells]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def stamp(at: datetime | None, zone: str = "UTC") -> str:
    """A time with its zone, to the minute."""
    from zoneinfo import ZoneInfo

    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}" if at else "never"
