"""Any SQLAlchemy URL: a person's SELECT, paged by keyset over its cursor columns."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pandas as pd
import sqlalchemy as sa

from monitor.domain.field import Schema
from monitor.domain.monitor import SqlSource
from monitor.domain.writing import counted
from monitor.sources.base import PAGE, Batch, Cursor, resolved
from monitor.sources.sql.connection import MYSQL, meaning, only_read, open_engine
from monitor.sources.sql.keyset import astray, page
from monitor.sources.sql.position import advance, families, start
from monitor.sources.sql.rows import Rows, fetch
from monitor.sources.sql.statement import one_select, unambiguous
from monitor.sources.sql.values import HORIZON

ASTRAY = 10_000  # rows without a usable cursor value that are remembered one by one


class Sql:
    """Rows of a query in order of its cursor columns, each once.

    A read starts at the last cursor value itself, not behind it, and leaves out the rows of that value which were read
    before: the cursor keeps their hashes. So rows that share a value are neither lost nor doubled at a page's edge,
    and one that arrives later with the last value is seen. Rows without a key are identified by their content and
    occurrence among equal ones. A cursor value that is missing, or lies in a year that no clock reaches, cannot be
    read behind, and text among SQLite's numbers has no place among them; such rows are rejected once. A row that is
    committed with a time before the last one read is found where it is at most ``late``: the cursor then keeps the
    hashes of that whole stretch.

    >>> config = SqlSource(kind="sql", url="sqlite:///tx.db", query="select * from tx", cursor=["updated_at", "id"])
    >>> Sql(config).read({})  # doctest: +SKIP
    """

    def __init__(
        self,
        config: SqlSource,
        *,
        zone: str = "UTC",
        schema: Schema | None = None,
        late: timedelta = timedelta(0),
    ) -> None:
        """zone, schema: unused, a database types its values. late: how far back of the last time rows may appear."""
        self._config, self._late = config, late

    def read(self, cursor: Cursor, limit: int = PAGE) -> Batch:
        query = one_select(self._config.query)
        address, secrets = resolved(self._config.url)
        engine = open_engine(address)
        if engine.dialect.name in MYSQL:
            unambiguous(query)
        try:
            with engine.connect() as connection:
                only_read(connection)
                return self._read(connection, query, cursor, limit)
        except sa.exc.DBAPIError as fault:
            raise meaning(fault, [*secrets, sa.make_url(address).password or ""]) from None
        finally:
            engine.dispose()

    def _read(self, connection: sa.Connection, query: str, cursor: Cursor, limit: int) -> Batch:
        columns = self._config.cursor
        seen, known = Counter[str](cursor.get("seen", {})), Counter[str](cursor.get("astray", {}))
        wanted, by_cell = limit + seen.total() + known.total(), connection.dialect.name == "sqlite"
        kinds = families(cursor) if by_cell else []
        rows = fetch(connection, page(query, columns, start(cursor), wanted, kinds), columns)
        full = len(rows.rows) == wanted
        if by_cell and not kinds:
            kinds = rows.families(columns)
        placed, strays = rows.divide(columns, kinds)
        fresh, origins = _unseen(placed, seen, columns)
        new, notices = dict(cursor) | advance(placed, columns, cursor, self._late), list[str]()
        if not full:
            others = fetch(connection, astray(query, columns, limit + known.total(), kinds), columns)
            full, strays = len(others.rows) == limit + known.total(), strays.plus(others)
        rejected = _reject(strays, known, columns)
        new["astray"] = dict(known | Counter(strays.hashes))
        if len(new["astray"]) > ASTRAY:
            new["astray"], rejected = cursor.get("astray", {}), rejected.iloc[:0]
            notices.append(f"more than {ASTRAY} rows have no usable cursor value; the rest is not listed")
        if len(new.get("seen", {})) > limit:
            again = f"{counted(len(new['seen']), 'row')} are read again each time"
            notices.append(f"{again}; add a column to cursor, or lower delay")
        more = full and bool(len(fresh.rows) or len(rejected))
        return Batch(fresh.frame(), new, pd.Series(origins, dtype="str"), rejected, more, notices)


def _reject(strays: Rows, known: Counter[str], columns: Sequence[str]) -> pd.DataFrame:
    """Rows that no cursor value can place, each once."""
    fresh, origins = _unseen(strays, known, columns)
    reason = (
        f"no usable value in {', '.join(columns)}; expected one of the others' kind and before the year {HORIZON}, "
        "to know when to read it"
    )
    return pd.DataFrame(
        {"origin": origins, "raw": fresh.raw(), "reason": [reason] * len(origins)}, dtype="str"
    )


def _unseen(rows: Rows, seen: Counter[str], columns: Sequence[str]) -> tuple[Rows, list[str]]:
    """Rows that were not read before, and each one's identity: cursor values, content, occurrence."""
    left, count = seen.copy(), seen.copy()
    kept, origins = [], []
    for n, (row, digest) in enumerate(zip(rows.rows, rows.hashes, strict=True)):
        if left[digest] > 0:
            left[digest] -= 1
            continue
        where = ", ".join(f"{c}={row[rows.names.index(c)]}" for c in columns)[:80]
        origins.append(f"{where} #{digest}:{count[digest]}")
        kept.append(n)
        count[digest] += 1
    return rows.take(kept), origins
