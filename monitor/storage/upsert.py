"""``INSERT ... ON CONFLICT`` in the dialect of the session."""

import json

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
