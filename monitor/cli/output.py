"""What a command prints: one JSON document, or text and tables that read well at 80 columns."""

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from monitor.jobs.context import Context

LEAST = 24  # columns that the last column of a table needs to read well
INDENT = 4
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
    print(json.dumps(plain(value), indent=1, allow_nan=False) if as_json else safe(text))


def plain(value: Any) -> Any:
    """What JSON can hold: times as ISO text, numbers that are none as null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def safe(text: str) -> str:
    """The text with nothing in it that could drive a terminal: much of it comes from other people's rows."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def width_of_terminal() -> int | None:
    """Columns to fold to; None where the output goes to another program, for which a row is a line."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    empty: str,
    width: int | Literal["terminal"] | None = "terminal",
) -> str:
    """Aligned columns, of which the last is folded to the width; ``empty`` says what to do where there are no rows."""
    if not rows:
        return empty
    room = width_of_terminal() if width == "terminal" else width
    cells = [columns, *([_cell(v) for v in row] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns) - 1)]
    return "\n".join(_line(line, widths, room) for line in cells)


def _cell(value: Any) -> str:
    return "" if value is None else safe(str(value)).replace("\n", "\\n")


def _line(cells: Sequence[str], widths: Sequence[int], room: int | None) -> str:
    before = "".join(f"{cell:<{size}}  " for cell, size in zip(cells[:-1], widths, strict=True))
    if room is None:
        return (before + cells[-1]).rstrip()
    if room - len(before) < LEAST:  # too little is left beside the others: below them, then
        below = textwrap.wrap(cells[-1], max(LEAST, room - INDENT))
        return "\n".join([before.rstrip(), *(" " * INDENT + part for part in below)])
    folded = textwrap.wrap(cells[-1], room - len(before)) or [""]
    return "\n".join([(before + folded[0]).rstrip(), *(" " * len(before) + part for part in folded[1:])])


def stamp(at: datetime | None, now: datetime | None = None) -> str:
    """A time with its zone: to the minute, and as short as it can be where ``now`` is given."""
    from monitor.domain.writing import moment

    if at is None:
        return "never"
    return moment(at, "UTC", now) if now else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
