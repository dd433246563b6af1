"""Many rows at once, by the driver's own bulk path and inside the session's transaction."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage.types import UtcDateTime

ARROW = {
    sa.Double: pa.float64(),
    sa.Float: pa.float64(),
    sa.BigInteger: pa.int64(),
    sa.Integer: pa.int64(),
    sa.Boolean: pa.bool_(),
    sa.Text: pa.string(),
    UtcDateTime: pa.timestamp("us", tz="UTC"),
}

FETCHED = 1_000  # rows


def arrow_type(column: sa.ColumnElement[Any]) -> pa.DataType:
    return next(t for kind, t in ARROW.items() if isinstance(column.type, kind))


def write(session: Session, table: sa.Table, frame: pd.DataFrame) -> None:
    """Append a frame whose columns are the table's; NaN, NaT and None become NULL."""
    if frame.empty:
        return
    columns = [table.c[name] for name in frame.columns]
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, columns, frame)
    else:
        _executemany(session, table, columns, frame)


def _executemany(
    session: Session, table: sa.Table, columns: Sequence[sa.Column[Any]], frame: pd.DataFrame
) -> None:
    quote = session.get_bind().dialect.identifier_preparer.quote
    names = ", ".join(quote(c.name) for c in columns)
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608  names are quoted, values bound
    cells = zip(*[_plain(frame[c.name], c) for c in columns], strict=True)
    with _driver(session) as driver:
        driver.executemany(statement, cells)


@contextmanager
def _driver(session: Session) -> Iterator[Any]:
    """The driver's own connection, whose faults are told as SQLAlchemy tells them: callers know no others."""
    dialect = session.get_bind().dialect
    base = dialect.loaded_dbapi.Error
    try:
        yield session.connection().connection.driver_connection
    except base as fault:
        told = sa.exc.DBAPIError.instance(None, None, fault, base, hide_parameters=True, dialect=dialect)
        raise told from fault


def _plain(series: pd.Series, column: sa.Column[Any]) -> list[Any]:
    """Python values for SQLite: text times with microseconds, None where nothing is."""
    if isinstance(column.type, UtcDateTime):
        stamps = pd.to_datetime(series, utc=True)
        text = np.datetime_as_string(stamps.dt.tz_convert(None).to_numpy("datetime64[us]"), unit="us")
        values: list[Any] = [t.replace("T", " ") for t in text.tolist()]
    elif isinstance(column.type, sa.Boolean):
        values = [None if v is None or v is pd.NA or v != v else int(v) for v in series.tolist()]
    else:
        values = series.tolist()
    missing = series.isna().to_numpy()
    if missing.any():
        for n in np.flatnonzero(missing):
            values[n] = None
    return values


def _copy(session: Session, table: sa.Table, columns: Sequence[sa.Column[Any]], frame: pd.DataFrame) -> None:
    arrow = pa.Table.from_arrays(
        [pa.Array.from_pandas(frame[c.name], type=arrow_type(c)) for c in columns], [c.name for c in columns]
    )
    text = io.BytesIO()
    pyarrow.csv.write_csv(arrow, text, pyarrow.csv.WriteOptions(include_header=False))
    names = ", ".join(_quoted(c.name) for c in columns)
    with (
        _driver(session) as driver,
        driver.cursor() as cursor,
        cursor.copy(f"COPY {_quoted(table.name)} ({names}) FROM STDIN (FORMAT csv)") as copy,
    ):
        copy.write(text.getbuffer())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def read(session: Session, statement: sa.Select[Any]) -> pd.DataFrame:
    """A query's rows as a frame, by Arrow: typed by the query's columns, whatever the rows hold."""
    columns = list(statement.selected_columns)
    if session.get_bind().dialect.name == "postgresql":
        arrow = _copy_out(session, statement, columns)
    else:
        arrow = _fetch(session, statement, columns)
    frame: pd.DataFrame = arrow.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame


def _fetch(session: Session, statement: sa.Select[Any], columns: list[Any]) -> pa.Table:
    # A few rows at a time: tuples of tens of thousands would be walked again and again by the garbage collector.
    schema = pa.schema([pa.field(c.name, arrow_type(c)) for c in columns])
    cursor, parts = session.connection().execute(statement).cursor, []
    while rows := cursor.fetchmany(FETCHED):
        cells = zip(zip(*rows, strict=True), columns, strict=True)
        parts.append(pa.record_batch([_array(values, c) for values, c in cells], schema=schema))
    return pa.Table.from_batches(parts, schema)


def _array(values: Sequence[Any], column: sa.ColumnElement[Any]) -> pa.Array:
    kind = arrow_type(column)
    if pa.types.is_timestamp(kind):
        stamps = pa.array(values, pa.string()).cast(pa.timestamp("us"))
        return stamps.cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _copy_out(session: Session, statement: sa.Select[Any], columns: list[Any]) -> pa.Table:
    # COPY takes no parameters; SQLAlchemy writes the literals of our own statement, quoted by their type
    # for a driver with parameters it doubles each %, and COPY would take both
    text = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})).replace(
        "%%", "%"
    )
    received = io.BytesIO()
    with _driver(session) as driver, driver.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'")
        with cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv)") as copy:
            for block in copy:
                received.write(block)
    names = [c.name for c in columns]
    if not received.tell():
        return pa.Table.from_arrays([pa.array([], arrow_type(c)) for c in columns], names)
    received.seek(0)
    return pyarrow.csv.read_csv(
        received,
        pyarrow.csv.ReadOptions(column_names=names),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types={c.name: arrow_type(c) for c in columns},
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            timestamp_parsers=[pyarrow.csv.ISO8601],
        ),
    )
