"""The statements around a person's query: from a place on, in order, so many rows."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from monitor.sources.sql.values import read

STORED = {
    "number": ["integer", "real"],
    "str": ["text"],
    "bytes": ["blob"],
}  # SQLite's names of what a cell is


def page(
    query: str, columns: Sequence[str], start: list[Any] | None, limit: int, families: Sequence[str] = ()
) -> sa.Select[Any]:
    """Rows at or behind ``start`` (values of the first cursor columns) in order of all of them.

    families: what the values are, where a database types each cell and not the column (SQLite).
    """
    source, keys = _source(query, columns)
    statement: sa.Select[Any] = (
        sa.select(sa.literal_column("*")).select_from(source).where(*[k.is_not(None) for k in keys])
    )
    if families:
        statement = statement.where(*_of_family(keys, families))
    if start is not None:
        values = [sa.bindparam(None, read(stored), sa.types.NullType()) for stored in start]
        statement = statement.where(keys[0] >= values[0], _at_or_behind(keys[: len(values)], values))
    return statement.order_by(*keys).limit(limit)


def astray(query: str, columns: Sequence[str], limit: int, families: Sequence[str] = ()) -> sa.Select[Any]:
    """Rows that no page brings: without a value, or with one of another kind."""
    source, keys = _source(query, columns)
    statement: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(source)
    others = [sa.not_(rule) for rule in _of_family(keys, families)] if families else []
    return statement.where(sa.or_(*[k.is_(None) for k in keys], *others)).limit(limit)


def _of_family(keys: list[Any], families: Sequence[str]) -> list[Any]:
    return [sa.func.typeof(k).in_(STORED[f]) for k, f in zip(keys, families, strict=True) if f in STORED]


def _source(query: str, columns: Sequence[str]) -> tuple[sa.Subquery, list[Any]]:
    # a colon would start a bound parameter; the line's end closes a trailing comment
    text = sa.text(query.replace("\\", "\\\\").replace(":", "\\:") + "\n")
    source = text.columns(*[sa.column(c) for c in columns]).subquery("source")
    return source, [source.c[c] for c in columns]


def _at_or_behind(keys: list[Any], values: list[Any]) -> Any:
    """(a, b) >= (x, y), spelled out, since not every database compares rows: a > x or (a = x and b >= y)."""
    if len(keys) == 1:
        return keys[0] >= values[0]
    return sa.or_(keys[0] > values[0], sa.and_(keys[0] == values[0], _at_or_behind(keys[1:], values[1:])))
