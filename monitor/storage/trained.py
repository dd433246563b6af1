"""What the page of one version shows: how it was trained, and which rows were left out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.errors import UnknownError
from monitor.domain.version import NOMINAL
from monitor.storage import tables
from monitor.storage.types import UtcDateTime
from monitor.storage.versions import EMPTIED

A, O, S, V = tables.alerts.c, tables.outliers.c, tables.scores.c, tables.versions.c  # noqa: E741  as in evidence
NEWEST = 5_000  # scores that are looked at for the calibration of today
PARTS = (
    "from",
    "to",
    "rows",
    "held_back",
    "left_out",
    "left_out_rows_capped",
)  # of the manifest, without its lists


@dataclass(frozen=True)
class Left:
    """A row that a training left out; ``alert`` is the public id of the alert that it is in."""

    reading_id: int
    reason: str
    source_key: str | None
    event_at: datetime | None
    entity: str | None
    alert: str | None
    verdict: str | None


def version(session: Session, monitor_id: int, number: int) -> Any:
    """One version without its bytes; the manifest without the rows it names.

    Raises:
        UnknownError: the monitor has no such version.
    """
    row = session.execute(
        sa.select(V.version_id, V.number, V.state, V.objective, V.created_at, V.decided_at, V.decision, V.facts,
                  V.pinned, V.trained_through, V.scored_through, V.threshold, EMPTIED.label("emptied"),
                  *[V.manifest[part].label(f"manifest_{part}") for part in PARTS])
        .where(V.monitor_id == monitor_id, V.number == number)
    ).first()  # fmt: skip
    if row is None:
        newest = sa.select(V.number).where(V.monitor_id == monitor_id).order_by(V.number.desc()).limit(5)
        raise UnknownError("version", f"v{number}", [f"v{n}" for n in session.scalars(newest)])
    return row


def live(session: Session, version: Any) -> tuple[int, list[tuple[float, int]]]:
    """Of the version's newest scores of rows it did not learn from: how many, and how many at or below each level.

    The levels are those of the gate. At most 5,000 scores are read, whoever made them.
    """
    newest = (
        sa.select(S.version_id, S.p_value)
        .where(S.reading_id > version.trained_through, S.reading_id <= version.scored_through)
        .order_by(S.reading_id.desc())
        .limit(NEWEST)
        .subquery()
    )
    counts = [sa.func.count(sa.case((newest.c.p_value <= p, 1))) for p in NOMINAL]
    rows, *below = session.execute(
        sa.select(sa.func.count(), *counts).where(newest.c.version_id == version.version_id)
    ).one()
    return rows, list(zip(NOMINAL, below, strict=True))


def left_out(session: Session, version_id: int) -> list[tuple[int, str]]:
    """(reading_id, reason) of each row that the manifest names, newest first.

    What earlier releases trained names its rows without saying which of the reasons was whose.
    """
    manifest = session.execute(sa.select(V.manifest).where(V.version_id == version_id)).scalar_one()
    rows, reasons = manifest.get("left_out_rows", []), manifest.get("left_out_reasons", [])
    why = [reasons[n] for n in manifest.get("left_out_why", [])] or [""] * len(rows)
    return list(zip(rows, why, strict=True))[::-1]


def rows(session: Session, table: str, named: list[tuple[int, str]]) -> list[Left]:
    """These rows with their key, time and alert, in the order given; ``table`` is ``readings_<monitor>``."""
    ids = [reading_id for reading_id, _ in named]
    r = sa.table(table, sa.column("reading_id", sa.BigInteger), sa.column("source_key", sa.Text),
                 sa.column("event_at", UtcDateTime), sa.column("entity", sa.Text)).c  # fmt: skip
    stored = session.execute(
        sa.select(r.reading_id, r.source_key, r.event_at, r.entity).where(r.reading_id.in_(ids))
    )
    readings = {row.reading_id: row for row in stored}
    m = tables.alert_members.c
    flagged = session.execute(
        sa.select(O.reading_id, A.public_id, A.verdict)
        .join_from(tables.outliers, tables.alert_members, m.outlier_id == O.outlier_id)
        .join(tables.alerts, A.alert_id == m.alert_id)
        .where(O.reading_id.in_(ids))
        .order_by(O.version_id)
    )
    alerts = {row.reading_id: row for row in flagged}
    return [_left(n, reason, readings.get(n), alerts.get(n)) for n, reason in named]


def _left(reading_id: int, reason: str, row: Any, alert: Any) -> Left:
    key, at, entity = (row.source_key, row.event_at, row.entity) if row else (None, None, None)
    public_id, verdict = (alert.public_id, alert.verdict) if alert else (None, None)
    return Left(reading_id, reason, key, at, entity, public_id, verdict)
