"""The statements around a person's query: from a place on, in order, so many rows."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from monitor.sources.sql.values import read


def page(query: str, columns: Sequence[str], start: list[Any] | None, limit: int) -> sa.Select[Any]:
    """Rows at or behind ``start`` (values of the first cursor columns) in order of all of them."""
    source, keys = _source(query, columns)
    statement: sa.Select[Any] = (
        sa.select(sa.literal_column("*")).select_from(source).where(*[k.is_not(None) for k in keys])
    )
    if start is not None:
        values = [sa.bindparam(None, read(stored), sa.types.NullType()) for stored in start]
        statement = statement.where(keys[0] >= values[0], _at_or_behind(keys[: len(values)], values))
    return statement.order_by(*keys).limit(limit)


def with_null(query: str, columns: Sequence[str], limit: int) -> sa.Select[Any]:
    source, keys = _source(query, columns)
    statement: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(source)
    return statement.where(sa.or_(*[k.is_(None) for k in keys])).limit(limit)


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
