"""What a trial of another alert budget is made from: the flagged rows and bins of the last days, and reviews' pace."""

from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import HISTORY
from monitor.storage import bulk, tables
from monitor.storage.types import UtcDateTime

A, B, O, R = tables.alerts.c, tables.score_bins.c, tables.outliers.c, tables.reviews.c  # noqa: E741  as in evidence
VERDICTS = 300  # newest ones whose pace is looked at
PAUSE = timedelta(minutes=30)  # a longer time between two verdicts is not work on one alert


def flagged(session: Session, monitor_id: int, since: datetime) -> pd.DataFrame:
    """Outliers since then with their alerts' verdicts; muted ones are left out, replayed history is not.

    Columns event_at, entity, p_value, alert_id, verdict, and always: flagged whatever the threshold.
    """
    m = tables.alert_members.c
    return bulk.read(
        session,
        sa.select(O.event_at, O.entity, O.p_value, A.alert_id, A.verdict,
                  O.reason.like("%outside its range").label("always"))
        .join_from(tables.outliers, tables.alert_members, m.outlier_id == O.outlier_id)
        .join(tables.alerts, A.alert_id == m.alert_id)
        .where(O.monitor_id == monitor_id, O.event_at >= sa.bindparam(None, since, UtcDateTime()),
               sa.or_(A.suppressed_by.is_(None), A.suppressed_by == HISTORY)),
    ).astype({"always": "bool"})  # fmt: skip


def bins(session: Session, monitor_id: int, since: datetime) -> pd.DataFrame:
    """Quarter hours since then in their order, with bin_at, p_value, rows, flagged."""
    return bulk.read(
        session,
        sa.select(B.bin_at, B.p_value, B.rows, B.flagged)
        .where(B.monitor_id == monitor_id, B.bin_at >= sa.bindparam(None, since, UtcDateTime()))
        .order_by(B.bin_at),
    )


def pace(session: Session) -> tuple[timedelta | None, int]:
    """Median time a verdict takes a person, from verdicts that followed each other, and from how many that is."""
    newest = session.execute(sa.select(R.actor, R.at).order_by(R.review_id.desc()).limit(VERDICTS)).all()
    gaps = [b.at - a.at for actor in {r.actor for r in newest}
            for a, b in pairwise(sorted((r for r in newest if r.actor == actor), key=lambda r: r.at))]  # fmt: skip
    working = sorted(gap for gap in gaps if timedelta(0) < gap <= PAUSE)
    return (working[len(working) // 2] if working else None), len(working)
