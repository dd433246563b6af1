"""Each monitor's rows, in a typed table of its own that plain SQL can read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.field import Schema
from monitor.storage import bulk
from monitor.storage.types import BigInt, UtcDateTime
from monitor.storage.upsert import any_of, listed_rows

TYPES: dict[str, Any] = {
    "number": sa.Double,
    "integer": sa.BigInteger,
    "category": sa.Text,
    "text": sa.Text,
    "boolean": sa.Boolean,
    "time": UtcDateTime,
}
INDEXES = {"event": ("event_at",), "entity": ("entity", "event_at")}
HEAD = ("reading_id", "event_at", "ingested_at", "entity")
Table = sa.Table  # for callers, who do not import SQLAlchemy


@dataclass(frozen=True)
class Stored:
    """What became of admitted rows: new + corrected + known = rows."""

    new: int
    corrected: int
    known: int
    last_id: int


def table(name: str, schema: Schema) -> sa.Table:
    """The table of a monitor; ``name`` is ``readings_<monitor>``."""
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("reading_id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("source_key", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("event_at", UtcDateTime, nullable=False),
        sa.Column("ingested_at", UtcDateTime, nullable=False),
        sa.Column("superseded_at", UtcDateTime),
        sa.Column("entity", sa.Text),
        sa.Column("run_id", BigInt, nullable=False),
        *[sa.Column(f.name, TYPES[f.type]) for f in schema.fields],
        sa.UniqueConstraint("source_key", "revision", name=f"uq_{name}"),
        *[sa.Index(f"ix_{name}_{kind}", *columns) for kind, columns in INDEXES.items()],
    )


def create(session: Session, readings: sa.Table) -> None:
    readings.create(session.connection(), checkfirst=True)


def rename(session: Session, old: str, new: str) -> None:
    """Give a table another name, so that a new monitor may have the old one; nothing happens where there is none.

    The names of indexes are the database's, not the table's, so they change too.
    """
    connection = session.connection()
    if not sa.inspect(connection).has_table(old):
        return
    connection.exec_driver_sql(f'ALTER TABLE "{old}" RENAME TO "{new}"')
    indexes = {f"ix_{{}}_{kind}": columns for kind, columns in INDEXES.items()}
    if connection.dialect.name == "postgresql":
        for name in (*indexes, "uq_{}", "{}_pkey"):
            connection.exec_driver_sql(f'ALTER INDEX "{name.format(old)}" RENAME TO "{name.format(new)}"')
        return
    for name, columns in indexes.items():
        connection.exec_driver_sql(f'DROP INDEX "{name.format(old)}"')
        connection.exec_driver_sql(f'CREATE INDEX "{name.format(new)}" ON "{new}" ({", ".join(columns)})')


def drop(session: Session, name: str) -> None:
    """Drop a table that holds no row."""
    session.connection().exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"')


def store(
    session: Session, readings: sa.Table, rows: pd.DataFrame, first_id: int, now: datetime, run_id: int
) -> Stored:
    """Write what is new; a known key with other content is a new revision, with the same content nothing.

    ``rows`` has source_key, content_hash, event_at, entity and a column a field; ids are given from ``first_id``.
    """
    head = rows[["source_key", "content_hash"]]
    known = _known(session, readings, head["source_key"].unique().tolist())
    all_new = known.empty and head["source_key"].is_unique
    told = head.assign(revision=1, known=False, last=True) if all_new else revisions(head, known)
    fresh = (rows if all_new else rows.loc[told.index]).assign(
        revision=told["revision"],
        reading_id=first_id + np.arange(len(told), dtype="int64"),
        ingested_at=pd.Timestamp(now),
        run_id=run_id,
        superseded_at=pd.Series(pd.NaT, told.index, dtype="datetime64[us, UTC]").where(
            told["last"], pd.Timestamp(now)
        ),
    )
    _supersede(session, readings, told.loc[told["known"], "source_key"].tolist(), now)
    bulk.write(session, readings, fresh[[c.name for c in readings.columns]])
    corrected = int((told["revision"] > 1).sum())
    return Stored(len(told) - corrected, corrected, len(rows) - len(told), first_id + len(told) - 1)


def revisions(head: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Of the rows ``head`` (source_key, content_hash) those that say something new, each with its revision, whether
    its key was known before the batch, and whether it is the last of its key in the batch.

    ``known``: source_key, known_hash and known_revision of what is stored under these keys.
    """
    told = head.join(known.set_index("source_key"), on="source_key")
    # what a row is compared with: the same key before it in the batch, or what is stored
    before = told.groupby("source_key")["content_hash"].shift().fillna(told["known_hash"])
    told = told[told["content_hash"] != before]
    place = told.groupby("source_key").cumcount()
    return told[["source_key", "content_hash"]].assign(
        revision=told["known_revision"].fillna(0).astype("int64") + place + 1,
        known=told["known_revision"].notna(),
        last=~told.duplicated("source_key", keep="last"),
    )


def arrived(session: Session, readings: sa.Table, keys: list[str]) -> dict[str, datetime]:
    """When the present revision of each of these keys came, of those that are stored."""
    c = readings.c
    rows = session.execute(
        sa.select(c.source_key, c.ingested_at).where(
            any_of(session, c.source_key, keys), c.superseded_at.is_(None)
        )
    )
    return {r.source_key: r.ingested_at for r in rows}


def _known(session: Session, readings: sa.Table, keys: list[str]) -> pd.DataFrame:
    c = readings.c
    rows = session.execute(
        sa.select(c.source_key, c.content_hash, c.revision).where(
            any_of(session, c.source_key, keys), c.superseded_at.is_(None)
        )
    ).all()
    known = pd.DataFrame(rows, columns=["source_key", "known_hash", "known_revision"])
    return known.astype({"source_key": "str", "known_hash": "str", "known_revision": "float64"})


def _supersede(session: Session, readings: sa.Table, keys: list[str], now: datetime) -> None:
    if keys:
        session.execute(
            sa.update(readings)
            .where(any_of(session, readings.c.source_key, keys), readings.c.superseded_at.is_(None))
            .values(superseded_at=now)
        )


def after(
    session: Session, readings: sa.Table, reading_id: int, limit: int, fields: Collection[str] | None = None
) -> pd.DataFrame:
    """The next rows in order of arrival, each in its present revision.

    ``fields``: only these beside whose row it is, when it happened and when it came; None: every column.
    """
    c = readings.c
    wanted = readings.columns if fields is None else [k for k in c if k.name in {*HEAD, *fields}]
    return bulk.read(
        session,
        sa.select(*wanted)
        .where(c.reading_id > reading_id, c.superseded_at.is_(None))
        .order_by(c.reading_id)
        .limit(limit),
    )


def stand(session: Session, readings: sa.Table, rows: pd.DataFrame) -> bool:
    """Whether a stretch that ``after`` gave still stands: none of its rows was replaced or deleted since."""
    number = readings.c.reading_id
    there = number.between(int(rows["reading_id"].min()), int(rows["reading_id"].max()))
    query = sa.select(sa.func.count()).select_from(readings).where(there, readings.c.superseded_at.is_(None))
    return session.scalar(query) == len(rows)


def before(session: Session, readings: sa.Table, rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The context of ``rows``, oldest first: of each entity the ``count`` stored rows before its first of them.

    Where some of ``rows`` are late, what is stored between the first and the last of them belongs to it.
    """
    if rows.empty or count == 0:
        return rows.iloc[:0]
    spans = rows.groupby("entity", dropna=False)["event_at"].agg(["min", "max"]).reset_index()
    named = spans["entity"].notna()
    parts = [_around(session, readings, part, count) for part in (spans[named], spans[~named]) if len(part)]
    found = pd.concat(parts, ignore_index=True)
    found = found[~found["reading_id"].isin(rows["reading_id"])]
    found = found.sort_values(["event_at", "reading_id"], ignore_index=True)
    earlier = found["event_at"] < found["first_at"]
    # several rows may share the time at which the context begins
    newest = found[earlier].groupby("entity", dropna=False).tail(count)
    kept = found.loc[newest.index.union(found.index[~earlier])]
    return kept.drop(columns="first_at").reset_index(drop=True)


def _around(session: Session, readings: sa.Table, spans: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows from the ``count``-th before ``min`` to ``max`` of each entity, in one read; ``first_at`` is that ``min``.

    spans: entity, min, max; either all have a name or there is the one without.
    """
    c, named = readings.c, bool(spans["entity"].notna().all())
    asked = listed_rows(
        session,
        {"entity": sa.Text(), "first_at": UtcDateTime(), "last_at": UtcDateTime()},
        zip(
            spans["entity"] if named else [None],
            spans["min"].dt.to_pydatetime(), spans["max"].dt.to_pydatetime(), strict=True,
        ),
    )  # fmt: skip
    other = readings.alias("other")
    same = other.c.entity == asked.c.entity if named else other.c.entity.is_(None)
    start = (
        sa.select(other.c.event_at)
        .where(same, other.c.event_at < asked.c.first_at, other.c.superseded_at.is_(None))
        .order_by(other.c.event_at.desc())
        .offset(count - 1)
        .limit(1)
        .scalar_subquery()
    )
    oldest = sa.select(sa.func.min(other.c.event_at)).where(same).scalar_subquery()
    # written out once an entity, so that the index is entered at its place and left at its end
    found = sa.select(asked, sa.func.coalesce(start, oldest, type_=UtcDateTime()).label("start_at")).cte(
        "spans"
    )
    span = found.prefix_with("MATERIALIZED").c
    return bulk.read(
        session,
        sa.select(*readings.columns, span.first_at).where(
            c.entity == span.entity if named else c.entity.is_(None),
            c.event_at >= span.start_at, c.event_at <= span.last_at, c.superseded_at.is_(None),
        ),
    )  # fmt: skip


def latest(session: Session, readings: sa.Table, count: int) -> pd.DataFrame:
    """The newest ``count`` rows by event time, oldest first."""
    c = readings.c
    newest = (
        sa.select(*readings.columns)
        .where(c.superseded_at.is_(None))
        .order_by(c.event_at.desc(), c.reading_id.desc())
        .limit(count)
    )
    return bulk.read(session, newest).iloc[::-1].reset_index(drop=True)


def rate(session: Session, readings: sa.Table, rows: int = 20_000) -> float:
    """Rows a day by event time, over the newest ``rows``; 0 while that cannot be known."""
    newest = sa.select(readings.c.event_at).order_by(readings.c.event_at.desc()).limit(rows).subquery()
    number, first, last = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.min(newest.c.event_at, type_=UtcDateTime()),
            sa.func.max(newest.c.event_at, type_=UtcDateTime()),
        )
    ).one()
    days = (last - first).total_seconds() / 86400 if number > 1 else 0.0
    return number / days if days > 0 else 0.0


def since(session: Session, readings: sa.Table, start: datetime, limit: int) -> pd.DataFrame:
    """Rows from ``start`` on, oldest first."""
    c = readings.c
    return bulk.read(
        session,
        sa.select(*readings.columns)
        .where(c.event_at >= sa.bindparam(None, start, UtcDateTime()), c.superseded_at.is_(None))
        .order_by(c.event_at, c.reading_id)
        .limit(limit),
    )
