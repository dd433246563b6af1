"""Any SQLAlchemy URL: a person's SELECT, paged by keyset over its cursor columns."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from monitor.domain.errors import SourceRefused
from monitor.domain.field import Schema
from monitor.domain.monitor import SqlSource
from monitor.sources.base import PAGE, Batch, Cursor, resolved
from monitor.sources.sql.connection import meaning, only_read, open_engine
from monitor.sources.sql.keyset import after, page, with_null
from monitor.sources.sql.statement import one_select
from monitor.sources.sql.values import write

NULLS = 10_000  # rows without a cursor value that are remembered one by one
EXACT = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
Row = tuple[Any, ...]


class Sql:
    """Rows of a query in order of its cursor columns, each once.

    A read starts at the last cursor value itself, not behind it, and leaves out the rows of that value which were read
    before: the cursor keeps their hashes. So rows that share a value are neither lost nor doubled at a page's edge,
    and one that arrives later with the last value is seen. Rows without a key are identified by their content and
    occurrence among equal ones.

    >>> config = SqlSource(kind="sql", url="sqlite:///tx.db", query="select * from tx", cursor=["updated_at", "id"])
    >>> Sql(config).read({})  # doctest: +SKIP
    """

    def __init__(self, config: SqlSource, *, zone: str = "UTC", schema: Schema | None = None) -> None:
        """zone, schema: unused, a database types its values."""
        self._config = config

    def read(self, cursor: Cursor, limit: int = PAGE) -> Batch:
        query = one_select(self._config.query)
        address, secrets = resolved(self._config.url)
        engine = open_engine(address)
        try:
            with engine.connect() as connection:
                only_read(connection)
                return self._read(connection, query, cursor, limit)
        except sa.exc.DBAPIError as fault:
            raise meaning(fault, [*secrets, sa.make_url(address).password or ""]) from None
        finally:
            engine.dispose()

    def _read(self, connection: sa.Connection, query: str, cursor: Cursor, limit: int) -> Batch:
        columns, seen = self._config.cursor, Counter(cursor.get("seen", {}))
        wanted = limit + seen.total()
        result = connection.execute(page(query, columns, cursor.get("after"), wanted))
        names = _names(list(result.keys()), columns)
        rows = [tuple(row) for row in result]
        hashes = [_hash(row) for row in rows]
        fresh, origins = _unseen(rows, hashes, seen, names, columns)
        new = dict(cursor) | self._position(rows, hashes, names, cursor, seen)
        more, rejected, notices = len(rows) == wanted, _rejected([], [], names), []
        if not more:
            more, rejected, notices = self._nulls(connection, query, new, names, limit)
        if len(new.get("seen", {})) > limit:
            notices.append(
                f"{len(new['seen'])} rows share one cursor value; add a column to cursor to read them faster"
            )
        return Batch(_frame(fresh, names), new, pd.Series(origins, dtype="str"), rejected, more, notices)

    def _position(
        self, rows: list[Row], hashes: list[str], names: list[str], cursor: Cursor, seen: Counter[str]
    ) -> Cursor:
        """The last row's cursor values, and how often each row of these values was read."""
        if not rows:
            return {}
        places = [names.index(c) for c in self._config.cursor]
        last = after(rows[-1], names, self._config.cursor)
        count: Counter[str] = Counter()
        for row, digest in zip(reversed(rows), reversed(hashes), strict=True):
            if [write(c, row[p]) for c, p in zip(self._config.cursor, places, strict=True)] != last:
                break
            count[digest] += 1
        return {"after": last, "seen": dict(count | seen if last == cursor.get("after") else count)}

    def _nulls(
        self, connection: sa.Connection, query: str, cursor: Cursor, names: list[str], limit: int
    ) -> tuple[bool, pd.DataFrame, list[str]]:
        """Rows that no cursor value can place are rejected, each once."""
        seen = Counter(cursor.get("nulls", {}))
        wanted = min(limit, NULLS - min(seen.total(), NULLS)) + seen.total()
        result = connection.execute(with_null(query, self._config.cursor, wanted + 1))
        rows = [tuple(row) for row in result]
        full = len(rows) > wanted
        rows = rows[:wanted]
        hashes = [_hash(row) for row in rows]
        fresh, origins = _unseen(rows, hashes, seen, names, self._config.cursor)
        if fresh:
            cursor["nulls"] = dict(seen | Counter(hashes))
        capped = full and Counter(cursor.get("nulls", {})).total() >= NULLS
        notices = [f"more than {NULLS} rows have no cursor value; the rest is not listed"] if capped else []
        return full and bool(fresh) and not capped, _rejected(fresh, origins, names), notices


def _unseen(
    rows: list[Row], hashes: list[str], seen: Counter[str], names: list[str], columns: Sequence[str]
) -> tuple[list[Row], list[str]]:
    """Rows that were not read before, and each one's identity."""
    places = [(c, names.index(c)) for c in columns]
    left, count = seen.copy(), seen.copy()
    fresh, origins = [], []
    for row, digest in zip(rows, hashes, strict=True):
        if left[digest] > 0:
            left[digest] -= 1
            continue
        where = ", ".join(f"{c}={row[p]}" for c, p in places)[:80]
        origins.append(f"{where} #{digest}:{count[digest]}")
        fresh.append(row)
        count[digest] += 1
    return fresh, origins


def _names(names: list[str], columns: Sequence[str]) -> list[str]:
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SourceRefused(
            f"the query yields {', '.join(twice)} more than once; name each column once, with AS"
        )
    missing = [c for c in columns if c not in names]
    if missing:
        raise SourceRefused(
            f"the query does not yield the cursor column {missing[0]!r}; it yields {', '.join(names)}"
        )
    return names


def _hash(row: Row) -> str:
    """16 hex digits over what the driver gave; equal rows of one query, equal hash."""
    return hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _frame(rows: list[Row], names: list[str]) -> pd.DataFrame:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pd.DataFrame({name: _column(cells) for name, cells in zip(names, columns, strict=True)})


def _column(cells: Sequence[Any]) -> pd.Series:
    """Whole numbers stay exact beside NULL; documents become JSON text; what Arrow cannot type stays as it is."""
    if any(isinstance(c, dict | list) for c in cells):
        return pd.Series([None if c is None else json.dumps(c, default=str) for c in cells], dtype="str")
    try:
        column: pd.Series = pa.array(cells).to_pandas(types_mapper=EXACT.get)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, UnicodeError):
        return pd.Series(cells, dtype=object)
    return column


def _rejected(rows: list[Row], origins: list[str], names: list[str]) -> pd.DataFrame:
    raws = [json.dumps(dict(zip(names, map(_shown, row), strict=True)), ensure_ascii=True) for row in rows]
    reason = "no value in a cursor column; expected one, to know when to read the row"
    return pd.DataFrame({"origin": origins, "raw": raws, "reason": [reason] * len(rows)}, dtype="str")


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:1000]
