"""Where a read goes on, and which rows that it will meet again were read before."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from monitor.sources.base import Cursor
from monitor.sources.sql.rows import Rows
from monitor.sources.sql.values import family, read, write


def start(cursor: Cursor) -> list[Any] | None:
    """The place to read from: the last one, or so much before it as rows may be late."""
    return [cursor["floor"]] if "floor" in cursor else cursor.get("after")


def families(cursor: Cursor) -> list[str]:
    """What the cursor's values are; empty before the first."""
    return [family(read(place)) for place in cursor.get("after", [])]


def advance(placed: Rows, columns: Sequence[str], cursor: Cursor, late: timedelta) -> Cursor:
    """The cursor behind these rows, which are in order and begin at ``start(cursor)``."""
    if not placed.rows:
        return {}
    seen, last = Counter[str](cursor.get("seen", {})), placed.place(-1, columns)
    floor = _earlier(last[0], late)
    if floor is None:
        return {"after": last, "seen": dict(_at_last(placed, columns, cursor, seen, last))}
    if "floor" in cursor and read(cursor["floor"]) > read(floor):
        floor = cursor["floor"]  # a page of late rows alone ends before the last place
    first, lowest = placed.names.index(columns[0]), read(floor)
    inside = [row[first] >= lowest for row in placed.rows]
    below = {h for h, inner in zip(placed.hashes, inside, strict=True) if not inner}
    count = Counter(h for h, inner in zip(placed.hashes, inside, strict=True) if inner)
    return {
        "after": last,
        "floor": floor,
        "seen": {h: n for h, n in (seen | count).items() if h not in below},
    }


def _at_last(
    placed: Rows, columns: Sequence[str], cursor: Cursor, seen: Counter[str], last: list[Any]
) -> Counter[str]:
    """How often each row of the last cursor values was read."""
    count: Counter[str] = Counter()
    for n in range(len(placed.rows) - 1, -1, -1):
        if placed.place(n, columns) != last:
            break
        count[placed.hashes[n]] += 1
    return count | seen if last == cursor.get("after") else count


def _earlier(place: list[Any], late: timedelta) -> list[Any] | None:
    """A cursor value so much earlier; None where rows cannot be late, or the value is no time.

    >>> _earlier(["str", "2026-01-01 00:10:00"], timedelta(minutes=10))
    ['str', '2026-01-01 00:00:00']
    """
    value = read(place)
    if not late:
        return None
    if isinstance(value, datetime):
        return write("", value - late)
    if isinstance(value, date):
        return write("", value - timedelta(days=ceil(late / timedelta(days=1))))
    if isinstance(value, str) and len(value) > len("2026-01-01"):
        try:
            moment = datetime.fromisoformat(value) - late
        except ValueError:
            return None
        return write("", moment.isoformat(sep="T" if "T" in value else " "))
    return None
