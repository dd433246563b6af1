"""Scores: one narrow row a reading and version, and the quarter-hour bins that charts read."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import bulk, tables
from monitor.storage.upsert import insert

BIN = "15min"
COLUMNS = ["reading_id", "version_id", "score", "p_value", "scored_at"]


def store(session: Session, monitor_id: int, version_id: int, scored: pd.DataFrame, now: datetime) -> None:
    """Keep scores; ``scored`` has reading_id, event_at, score, p_value, flagged."""
    rows = scored.assign(version_id=version_id, scored_at=pd.Timestamp(now))
    bulk.write(session, tables.scores, rows[COLUMNS])
    _bins(session, monitor_id, scored)


def _bins(session: Session, monitor_id: int, scored: pd.DataFrame) -> None:
    bins = scored.groupby(scored["event_at"].dt.floor(BIN)).agg(
        rows=("p_value", "size"), p_value=("p_value", "min"), flagged=("flagged", "sum")
    )
    values = [
        {"monitor_id": monitor_id, "bin_at": at.to_pydatetime(), "rows": int(r.rows),
         "p_value": float(r.p_value), "flagged": int(r.flagged)}
        for at, r in zip(bins.index, bins.itertuples(), strict=True)
    ]  # fmt: skip
    kept = tables.score_bins.c
    for start in range(0, len(values), 1000):
        statement = insert(session, tables.score_bins).values(values[start : start + 1000])
        new = statement.excluded
        smaller = sa.case((new.p_value < kept.p_value, new.p_value), else_=kept.p_value)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["monitor_id", "bin_at"],
                set_={
                    "rows": kept.rows + new.rows,
                    "p_value": smaller,
                    "flagged": kept.flagged + new.flagged,
                },
            )
        )
