"""What a trial of another alert budget is made from: the flagged rows and bins of the last days, and reviews' pace."""

from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.review import BY_NAME
from monitor.domain.trial import Flagged, Mark, Stretch
from monitor.storage import tables

A, B, O, R = tables.alerts.c, tables.score_bins.c, tables.outliers.c, tables.reviews.c  # noqa: E741  as in evidence
HISTORY = "replayed history"  # stored as suppressed, yet part of what the days were like
VERDICTS = 300  # newest ones whose pace is looked at
PAUSE = timedelta(minutes=30)  # a longer time between two verdicts is not work on one alert


def flagged(session: Session, monitor_id: int, since: datetime) -> list[Flagged]:
    """Outliers since then with what became of their alerts; muted ones are left out."""
    m = tables.alert_members.c
    rows = session.execute(
        sa.select(O.event_at, O.entity, O.p_value, A.alert_id, A.verdict, O.reason.like("%outside its range"))
        .join_from(tables.outliers, tables.alert_members, m.outlier_id == O.outlier_id)
        .join(tables.alerts, A.alert_id == m.alert_id)
        .where(O.monitor_id == monitor_id, O.event_at >= since,
               sa.or_(A.state != "suppressed", A.suppressed_by == HISTORY))
    )  # fmt: skip
    return [
        Flagged(at, entity, p, alert, _mark(verdict), bool(always))
        for at, entity, p, alert, verdict, always in rows
    ]


def _mark(verdict: str | None) -> Mark:
    found = BY_NAME[verdict].real if verdict in BY_NAME else None
    return "open" if found is None else "real" if found else "false"


def bins(session: Session, monitor_id: int, since: datetime) -> list[Stretch]:
    """Quarter hours since then, oldest first."""
    rows = session.execute(
        sa.select(B.bin_at, B.p_value, B.rows, B.flagged)
        .where(B.monitor_id == monitor_id, B.bin_at >= since)
        .order_by(B.bin_at)
    )
    return [Stretch(*r) for r in rows]


def pace(session: Session) -> tuple[timedelta | None, int]:
    """Median time a verdict takes a person, from verdicts that followed each other, and from how many that is."""
    newest = session.execute(sa.select(R.actor, R.at).order_by(R.review_id.desc()).limit(VERDICTS)).all()
    gaps = [b.at - a.at for actor in {r.actor for r in newest}
            for a, b in pairwise(sorted((r for r in newest if r.actor == actor), key=lambda r: r.at))]  # fmt: skip
    working = sorted(gap for gap in gaps if timedelta(0) < gap <= PAUSE)
    return (working[len(working) // 2] if working else None), len(working)
