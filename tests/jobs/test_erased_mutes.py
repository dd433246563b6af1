"""An erased entity with a short name takes nothing from mutes but itself: their alerts are counted as before."""

from datetime import timedelta

import pytest
import seed
import sqlalchemy as sa

from monitor.domain.alert import HISTORY
from monitor.jobs import erase
from monitor.jobs.context import Context
from monitor.storage import mutes, tables


@pytest.mark.parametrize(
    ("entity", "label", "reason"),
    [
        ("1", "mute 1: new tills of erased-1", "new tills of erased-1"),
        ("mute", "mute 1: new tills of 1", "new tills of 1"),
        ("history", "mute 1: new tills of 1", "new tills of 1"),
    ],
)
def test_a_mutes_number_and_the_word_for_replayed_history_stay(
    context: Context, entity: str, label: str, reason: str
) -> None:
    now = context.now()
    with context.database.write() as session:
        s = seed.Seed(session, now)
        monitor_id = s.monitor({"name": "cards", "kind": "tabular", "entity": "card", **seed.QUIET}, {})
        number = mutes.add(
            session, monitor_id=monitor_id, entity=None, reason="new tills of 1", actor="ana", starts_at=now,
            ends_at=now + timedelta(days=1),
        )  # fmt: skip
        assert number == 1
        for n, by in enumerate((f"mute {number}: new tills of 1", HISTORY), 1):
            flag = seed.Flag(seed.reading_id(monitor_id, n), now, 1e-5, [seed.part("load", 1.0, 9.0, 5.0)])
            s.alert(monitor_id, "default", "c2", [flag], 2, "why", "b", state="suppressed", suppressed_by=by)
        s.flush()
    erase.erase(context, entity, "ana", yes=True)
    with context.database.read() as session:
        found = session.scalars(
            sa.select(tables.alerts.c.suppressed_by).order_by(tables.alerts.c.alert_id)
        ).all()
        listed = [(m["reason"], m["suppressed"]) for m in mutes.listed(session, now)]
    assert found == [label, HISTORY]
    assert listed == [(reason, 1)]
