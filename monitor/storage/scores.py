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
    columns = (bins["rows"].tolist(), bins["p_value"].tolist(), bins["flagged"].tolist())
    values = [
        {"monitor_id": monitor_id, "bin_at": at, "rows": rows, "p_value": p_value, "flagged": flagged}
        for at, rows, p_value, flagged in zip(
            pd.DatetimeIndex(bins.index).to_pydatetime(), *columns, strict=True
        )
    ]
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
