"""The good rows around which the bad ones stand, and how rows are put into each kind of source."""

import csv
import io
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

Row = dict[str, Any]
START = datetime(2025, 3, 1, tzinfo=UTC)
LEARNT = 320  # rows that the champion saw or was judged on
POSTGRES_TYPES = {
    "id": "bigint", "n": "bigint", "at": "timestamptz", "card": "text", "amount": "double precision",
    "load": "double precision", "flag": "boolean", "kind": "text", "seen": "timestamptz", "note": "text",
    "big": "bigint", "fraud": "integer",
}  # fmt: skip


def good(n: int, **changes: Any) -> Row:
    """Row ``n`` of the feed as every source has it."""
    draw = np.random.default_rng(n)
    load = round(float(draw.normal(50, 5)), 3)
    at = START + timedelta(minutes=n)
    return {
        "id": n, "at": at, "card": f"c{n % 7}", "amount": round(load * 0.8 + float(draw.normal(0, 1)), 3),
        "load": load, "flag": n % 3 == 0, "kind": ["shop", "web", "bank"][n % 3], "seen": at - timedelta(hours=1),
        "note": f"A payment with number {n}, as it was told by the terminal on the desk",
        "big": 2**60 + n * n, "fraud": 0,
    } | changes  # fmt: skip


def columns(rows: list[Row]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(k for row in rows for k in row)}


def as_cell(value: Any) -> str:
    """A value as exports write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def csv_bytes(rows: list[Row]) -> bytes:
    text, held = io.StringIO(), columns(rows)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(held)
    writer.writerows([[as_cell(cell) for cell in row] for row in zip(*held.values(), strict=True)])
    return text.getvalue().encode("utf-8", "surrogateescape")


def parquet_bytes(rows: list[Row], types: dict[str, Any]) -> bytes:
    """types: Arrow types of columns that have an unusual one."""
    arrays = {name: _array(cells, types.get(name)) for name, cells in columns(rows).items()}
    stream = io.BytesIO()
    pq.write_table(pa.table(arrays), stream)
    return stream.getvalue()


def _array(cells: list[Any], kind: Any) -> pa.Array:
    if kind is not None:
        return pa.array(cells, kind)
    if mixed(cells):
        return pa.array([None if c is None else as_cell(c) for c in cells], pa.string())
    return pa.array(cells)


def mixed(cells: list[Any]) -> bool:
    kinds = {type(c) for c in cells if c is not None}
    return str in kinds and len(kinds) > 1


def into_sqlite(path: Path, rows: list[Row], first: int) -> None:
    """SQLite types each cell, not the column, so every cell is what it is."""
    held = {"n": list(range(first, first + len(rows)))} | columns(rows)
    names = ", ".join(quoted(name) for name in held)
    marks = ", ".join("?" * len(held))
    cells = zip(*held.values(), strict=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE IF NOT EXISTS feed ({names})")
        database.executemany(
            f"INSERT INTO feed ({names}) VALUES ({marks})", [[_bound(c) for c in row] for row in cells]
        )


def _bound(cell: Any) -> Any:
    """SQLite knows neither booleans nor times."""
    return as_cell(cell) if isinstance(cell, datetime | bool) else cell


def into_postgres(engine: sa.Engine, table: str, rows: list[Row], first: int, types: dict[str, str]) -> None:
    """types: SQL types of columns that have an unusual one; cells of such a column are written as SQL."""
    held = {"n": list(range(first, first + len(rows)))} | columns(rows)
    kinds = {name: types.get(name) or _sql_type(name, cells) for name, cells in held.items()}
    names = ", ".join(quoted(name) for name in held)
    with engine.begin() as connection:
        made = ", ".join(f"{quoted(name)} {kind}" for name, kind in kinds.items())
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {table} ({made})".replace("%", "%%"))
        for row in zip(*held.values(), strict=True):
            cells = dict(zip(held, row, strict=True))
            marks = ", ".join(_written(cells[name], types.get(name)) for name in held)
            values = [_fit(cells[name], kinds[name]) for name in held if name not in types]
            statement = f"INSERT INTO {table} ({names.replace('%', '%%')}) VALUES ({marks})"
            connection.exec_driver_sql(statement, tuple(values))


def _written(cell: Any, kind: str | None) -> str:
    if kind is None:
        return "%s"
    return "NULL" if cell is None else str(cell).replace("%", "%%")


def _fit(cell: Any, kind: str) -> Any:
    return as_cell(cell) if kind == "text" and cell is not None and not isinstance(cell, str) else cell


def _sql_type(name: str, cells: list[Any]) -> str:
    plain = POSTGRES_TYPES.get(name, "text")
    text = any(isinstance(c, str) for c in cells)
    whole = any(isinstance(c, float) for c in cells) and plain == "bigint"
    return "text" if text else "double precision" if whole else plain


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
