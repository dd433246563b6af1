"""Known truth with the day it became known; never a feature."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.storage import tables
from monitor.storage.upsert import any_of, insert

L = tables.labels.c


def learn(session: Session, monitor_id: int, labels: pd.DataFrame, origin: str, now: datetime) -> None:
    """Keep labels with columns source_key, value; a changed truth keeps the day it changed."""
    labels = labels.drop_duplicates("source_key", keep="last")  # a row and its correction may come together
    for start in range(0, len(labels), 2000):
        block = labels.iloc[start : start + 2000]
        statement = insert(session, tables.labels).values(
            [
                {
                    "monitor_id": monitor_id,
                    "source_key": k,
                    "value": int(v),
                    "origin": origin,
                    "known_at": now,
                }
                for k, v in zip(block["source_key"], block["value"], strict=True)
            ]
        )
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["monitor_id", "source_key", "origin"],
                set_={"value": statement.excluded.value, "known_at": statement.excluded.known_at},
                where=L.value != statement.excluded.value,
            )
        )


def anomalous(session: Session, monitor_id: int, keys: list[str]) -> dict[str, str]:
    """source_key -> origin of each of the rows that is known to be anomalous; a review outweighs the source."""
    from_source = sa.case((L.origin == "source", 0), else_=1)
    accused = sa.select(L.source_key).where(
        L.monitor_id == monitor_id, any_of(session, L.source_key, keys), L.value == 1
    )
    rows = session.execute(
        sa.select(L.source_key, L.value, L.origin)
        .where(L.monitor_id == monitor_id, L.source_key.in_(accused))
        .order_by(from_source, L.known_at, L.label_id)
    )  # the last word counts
    known: dict[str, tuple[int, str]] = {key: (value, origin) for key, value, origin in rows}
    return {key: origin for key, (value, origin) in known.items() if value == 1}
