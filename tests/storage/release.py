"""A database as release 0.1.0 left it: every table with rows, made by that release's own jobs.

Kept as rows, so that no later change of the code changes what was once stored.
"""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from monitor.storage import schema
from monitor.storage.database import Database

ROWS = json.loads((Path(__file__).parent / "release_0_1_0.json").read_text())
REVISION = "0001"
KINDS = {
    "BIGINT": sa.BigInteger,
    "INTEGER": sa.BigInteger,
    "DOUBLE": sa.Double,
    "TEXT": sa.Text,
    "BOOLEAN": sa.Boolean,
}


def install(database: Database) -> None:
    """Put the database at that release's schema and fill it."""
    schema.downgrade(database, "base")
    schema.upgrade(database, REVISION)
    with database.engine.begin() as connection:
        for name, part in ROWS.items():
            if "types" in part:
                _readings(database, name, part["types"]).create(connection)
        tables = sa.MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name in ROWS:
                connection.execute(sa.insert(table), _values(database, table))
                _go_on(connection, table)


def content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of that release's tables, by the columns that it knew."""
    found = {}
    with database.engine.connect() as connection:
        for name, part in ROWS.items():
            table = sa.table(name, *[sa.column(c) for c in part["columns"]])
            found[name] = sorted(map(tuple, connection.execute(sa.select(table)).all()), key=str)
    return found


def _readings(database: Database, name: str, types: dict[str, str]) -> sa.Table:
    """What the release made of a monitor's fields."""
    at = sa.DateTime(timezone=database.dialect == "postgresql")
    columns = [
        sa.Column(
            c, KINDS[kind]() if kind in KINDS else at, primary_key=c == "reading_id", autoincrement=False
        )
        for c, kind in types.items()
    ]
    return sa.Table(
        name, sa.MetaData(), *columns, sa.UniqueConstraint("source_key", "revision", name=f"uq_{name}"),
        sa.Index(f"ix_{name}_event", "event_at"), sa.Index(f"ix_{name}_entity", "entity", "event_at"),
    )  # fmt: skip


def _values(database: Database, table: sa.Table) -> list[dict[str, Any]]:
    part = ROWS[table.name]
    kinds = {c.name: c.type for c in table.columns}

    def read(column: str, value: Any) -> Any:
        if isinstance(value, dict) and "base64" in value:
            return base64.b64decode(value["base64"])
        if value is not None and isinstance(kinds[column], sa.DateTime):
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if database.dialect == "postgresql" else at
        if value is not None and isinstance(kinds[column], sa.Boolean):
            return bool(value)
        return value

    return [{c: read(c, v) for c, v in zip(part["columns"], row, strict=True)} for row in part["rows"]]


def _go_on(connection: sa.Connection, table: sa.Table) -> None:
    """PostgreSQL's counters, as they would stand after these rows."""
    keys = list(table.primary_key)
    if (
        connection.dialect.name != "postgresql"
        or len(keys) != 1
        or not isinstance(keys[0].type, sa.BigInteger)
    ):
        return
    counter = connection.scalar(sa.func.pg_get_serial_sequence(table.name, keys[0].name).select())
    if counter is not None:
        connection.execute(
            sa.select(sa.func.setval(counter, connection.scalar(sa.select(sa.func.max(keys[0])))))
        )
