"""What was known of an entity before each of its rows: earlier rows, as they stood when that row arrived."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import bulk
from monitor.storage.types import UtcDateTime
from monitor.storage.upsert import listed_rows

HEAD = ("reading_id", "source_key", "revision", "event_at", "entity")


def known(
    session: Session, readings: sa.Table, rows: pd.DataFrame, count: int, fields: frozenset[str] | None = None
) -> pd.DataFrame:
    """All that the last ``count`` rows before any of ``rows`` can be, other than ``rows``; more does no harm.

    A row that was replaced is there while one of ``rows`` arrived before that; ``superseded_by`` is the reading that
    took its place. What arrived after all of ``rows`` is not there. ``fields``: only these columns; None: every one.
    """
    rows = rows[rows["entity"].notna()]
    if rows.empty or count == 0:
        return _read(session, readings, fields, sa.false())
    first, last = int(rows["reading_id"].min()), int(rows["reading_id"].max())
    spans = rows.groupby("entity")["event_at"].agg(["min", "max"]).reset_index()
    asked = listed_rows(
        session,
        {"entity": sa.Text(), "first_at": UtcDateTime(), "last_at": UtcDateTime()},
        zip(
            spans["entity"], spans["min"].dt.to_pydatetime(), spans["max"].dt.to_pydatetime(), strict=True
        ),
    )  # fmt: skip
    c, other = readings.c, readings.alias("other")
    same = other.c.entity == asked.c.entity
    # the count-th of those that stand for all of ``rows``; who has fewer begins with the oldest
    start = (
        sa.select(other.c.event_at)
        .where(
            same,
            other.c.event_at < asked.c.first_at,
            other.c.superseded_at.is_(None),
            other.c.reading_id < first,
        )
        .order_by(other.c.event_at.desc())
        .offset(count - 1)
        .limit(1)
        .scalar_subquery()
    )
    oldest = sa.select(sa.func.min(other.c.event_at)).where(same).scalar_subquery()
    begin = sa.func.coalesce(start, oldest, type_=UtcDateTime()).label("start_at")
    # written out once an entity, so that the index is entered at its place and left at its end
    span = sa.select(asked, begin).cte("spans").prefix_with("MATERIALIZED").c
    found = _read(
        session, readings, fields, c.entity == span.entity, c.event_at >= span.start_at, c.event_at <= span.last_at,
        c.reading_id < last, sa.or_(c.superseded_at.is_(None), _replacement(readings) > first),
    )  # fmt: skip
    return found[~found["reading_id"].isin(rows["reading_id"])].reset_index(drop=True)


def replaced(session: Session, readings: sa.Table, after: int, last: int) -> pd.DataFrame:
    """Which of the readings behind ``after`` up to ``last`` no longer stand; without their fields."""
    c = readings.c
    return _read(
        session,
        readings,
        frozenset(),
        c.reading_id > after,
        c.reading_id <= last,
        c.superseded_at.is_not(None),
    )


def newest(session: Session, readings: sa.Table, through: int) -> pd.Timestamp | None:
    """The latest time of an event among the readings up to ``through``; None where there are none."""
    c = readings.c
    if (session.scalar(sa.select(sa.func.min(c.reading_id))) or through + 1) > through:
        return None  # without a walk through all the times
    last = sa.select(c.event_at).where(c.reading_id <= through).order_by(c.event_at.desc()).limit(1)
    return pd.Timestamp(session.execute(last).scalar_one())


def whole(session: Session, readings: sa.Table, entity: str) -> pd.DataFrame:
    """Every revision of the rows that an entity ever had, others' among them, with what took the place of each."""
    return _read(session, readings, None, readings.c.source_key.in_(had(readings, entity)))


def beside(session: Session, readings: sa.Table, entity: str) -> pd.DataFrame:
    """The other readings of those who had one of an entity's rows before or after it."""
    c = readings.c
    others = c.entity.in_(sharing(readings, entity))
    return _read(session, readings, None, others, c.source_key.not_in(had(readings, entity)))


def sharing(readings: sa.Table, entity: str) -> sa.Select[Any]:
    """Who else had one of an entity's rows, before or after a correction."""
    c = readings.alias("shared").c
    return sa.select(c.entity).where(c.source_key.in_(had(readings, entity)), c.entity != entity).distinct()


def had(readings: sa.Table, entity: str) -> sa.Select[Any]:
    """source_key of the rows that were an entity's in any revision."""
    mine = readings.alias("mine").c
    return sa.select(mine.source_key).where(mine.entity == entity)


def _read(
    session: Session, readings: sa.Table, fields: frozenset[str] | None, *which: sa.ColumnElement[bool]
) -> pd.DataFrame:
    columns = [c for c in readings.columns if fields is None or c.name in {*HEAD, *fields}]
    by = sa.type_coerce(_replacement(readings), sa.BigInteger).label("superseded_by")
    return bulk.read(session, sa.select(*columns, by).where(*which))


def _replacement(readings: sa.Table) -> sa.ColumnElement[int]:
    """The reading of the next revision; looked up only where there is one."""
    c, after = readings.c, readings.alias("after")
    found = sa.select(after.c.reading_id).where(
        after.c.source_key == c.source_key, after.c.revision == c.revision + 1
    )
    by: sa.ColumnElement[int] = sa.case((c.superseded_at.is_not(None), found.scalar_subquery()))
    return by
