"""What the two dialects say differently: ``INSERT ... ON CONFLICT``, and lists of any length as one parameter."""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: sa.Table) -> sqlite.Insert:
    """An insert that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update`` (one shape in both dialects)."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # the two share the methods used here
    return sqlite.insert(table)


def any_of(session: Session, column: sa.ColumnElement[str], values: list[str]) -> sa.ColumnElement[bool]:
    """``column IN values`` as one bound parameter, however many values there are."""
    if session.get_bind().dialect.name == "postgresql":
        return column == sa.func.any(sa.bindparam(None, values, type_=postgresql.ARRAY(sa.Text)))
    listed = sa.func.json_each(sa.bindparam(None, json.dumps(values), type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def listed_rows(
    session: Session, columns: dict[str, sa.types.TypeEngine[Any]], rows: Iterable[tuple[Any, ...]]
) -> sa.Subquery | sa.TableValuedAlias:
    """Rows to join with, as one bound parameter, however many there are; times are UTC."""
    typed = [sa.column(name, kind) for name, kind in columns.items()]
    if session.get_bind().dialect.name == "postgresql":
        text = json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str)
        document = sa.cast(sa.bindparam(None, text, sa.Text), postgresql.JSONB)
        return (
            sa.func.jsonb_to_recordset(document)
            .table_valued(*typed, name="asked")
            .render_derived(with_types=True)
        )
    text = json.dumps([list(row) for row in rows], default=lambda at: f"{at:%Y-%m-%d %H:%M:%S.%f}")
    each = sa.func.json_each(sa.bindparam(None, text, sa.Text)).table_valued("value")
    cells = [
        sa.func.json_extract(each.c.value, f"$[{n}]", type_=c.type).label(c.name) for n, c in enumerate(typed)
    ]
    return sa.select(*cells).subquery("asked")
