"""Rows as a driver gave them, with what identifies each."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from monitor.domain.errors import SourceRefused
from monitor.sources.sql.values import family, places, write

EXACT = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
Row = tuple[Any, ...]
CELL = 1000  # characters of a rejected cell that are kept


@dataclass(frozen=True)
class Rows:
    """names: of the columns; hashes: 16 hex digits a row, equal for equal rows of one query."""

    names: list[str]
    rows: list[Row]
    hashes: list[str]

    def take(self, kept: Sequence[int]) -> "Rows":
        if len(kept) == len(self.rows):
            return self
        return Rows(self.names, [self.rows[n] for n in kept], [self.hashes[n] for n in kept])

    def plus(self, others: "Rows") -> "Rows":
        return Rows(self.names, self.rows + others.rows, self.hashes + others.hashes)

    def families(self, columns: Sequence[str]) -> list[str]:
        """What most values of each cursor column are."""
        at = [self.names.index(c) for c in columns]
        count = [Counter(family(row[p]) for row in self.rows if places(row[p])) for p in at]
        return [c.most_common(1)[0][0] if c else "" for c in count]

    def divide(self, columns: Sequence[str], families: list[str]) -> tuple["Rows", "Rows"]:
        """Those whose cursor values say where they stand, and those whose values do not.

        families: what the values have to be; empty where the database sees to that.
        """
        at = [self.names.index(c) for c in columns]
        fits = [all(places(row[p]) for p in at) for row in self.rows]
        if families:
            alike = [[family(row[p]) for p in at] == families for row in self.rows]
            fits = [a and b for a, b in zip(fits, alike, strict=True)]
        return (
            self.take([n for n, fit in enumerate(fits) if fit]),
            self.take([n for n, fit in enumerate(fits) if not fit]),
        )

    def place(self, n: int, columns: Sequence[str]) -> list[Any]:
        """A row's cursor values as JSON."""
        return [write(c, self.rows[n][self.names.index(c)]) for c in columns]

    def frame(self) -> pd.DataFrame:
        columns = zip(*self.rows, strict=True) if self.rows else ([] for _ in self.names)
        return pd.DataFrame({name: _column(cells) for name, cells in zip(self.names, columns, strict=True)})

    def raw(self) -> list[str]:
        return [json.dumps(dict(zip(self.names, map(_shown, row), strict=True))) for row in self.rows]


def fetch(connection: sa.Connection, statement: sa.Select[Any], columns: Sequence[str]) -> Rows:
    """Run a statement. Raises SourceRefused where its columns are not what a cursor needs."""
    result = connection.execute(statement)
    names = list(result.keys())
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
    rows = [tuple(row) for row in result]
    return Rows(names, rows, [_hash(row) for row in rows])


def _hash(row: Row) -> str:
    return hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _column(cells: Sequence[Any]) -> pd.Series:
    """Whole numbers stay exact beside NULL; documents become JSON text; what Arrow cannot type stays as it is."""
    if any(isinstance(c, dict | list) for c in cells):
        return pd.Series([None if c is None else json.dumps(c, default=str) for c in cells], dtype="str")
    try:
        column: pd.Series = pa.array(cells).to_pandas(types_mapper=EXACT.get)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, UnicodeError):
        return pd.Series(cells, dtype=object)
    return column


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:CELL]
