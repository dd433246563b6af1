"""The budget's panel: every figure of every level is in words, and a monitor without scores has none."""

from datetime import UTC, datetime

import pytest
import seed
import sqlalchemy as sa

from dashboards import budget
from monitor.storage import pages, tables, trials
from monitor.storage.database import Database

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)


@pytest.fixture
def database(database: Database) -> Database:
    seed.fill(database, NOW)
    return database


def panel(database: Database, name: str) -> budget.Panel | None:
    with database.read() as session:
        return budget.compose(session, pages.fleet(session, name)[0], NOW)


def test_each_level_has_its_days_and_figures(database: Database) -> None:
    found = panel(database, "card-payments")
    assert found is not None and found["now"] == 20
    assert found["title"].endswith("30 days would have had") and found["days"][-1] == "29 Mar"
    levels = {level["budget"]: level for level in found["levels"]}
    assert list(levels) == sorted(levels) and min(levels) == 1 and max(levels) == 100
    assert all(len(level["days"]) == 30 and len(level["figures"]) == 6 for level in levels.values())
    assert levels[20]["figures"][2:4] == ["0.0052, 1 in 190 rows", "22 of 22"]
    assert levels[20]["figures"][5] == "1 h 21 min a day"
    totals = [sum(map(sum, level["days"])) for level in levels.values()]
    assert totals == sorted(totals)
    assert "(assumed)" in found["review"]


def test_a_sensors_days_are_shown_as_they_were_whatever_the_budget(database: Database) -> None:
    found = panel(database, "pump-line-3")
    assert found is not None and not found["tried"] and found["title"] == "Alerts of the last 30 days"
    assert "none is tried" in found["how"]
    assert len({str(level["days"]) for level in found["levels"]}) == 1
    assert sum(map(sum, found["levels"][0]["days"])) > 0
    above = [int(level["figures"][1].split()[0]) for level in found["levels"]]
    assert above == sorted(above, reverse=True)


def test_a_sensors_confirmed_alert_is_not_lost_to_the_cutoff(database: Database) -> None:
    with database.write() as session:
        a = tables.alerts.c
        named = pages.fleet(session, "pump-line-3")[0].monitor_id
        session.execute(sa.update(tables.alerts).where(a.monitor_id == named).values(verdict="true"))
        session.execute(
            sa.update(tables.outliers).where(tables.outliers.c.monitor_id == named).values(p_value=0.02)
        )
    found = panel(database, "pump-line-3")
    assert found is not None
    assert {tuple(level["figures"][2:4]) for level in found["levels"]} == {("it moves", "1 in these days")}
    assert sum(day[0] for day in found["levels"][0]["days"]) == 1


def test_a_young_monitor_has_only_the_days_there_were(database: Database) -> None:
    found = panel(database, "cold-storage")
    assert found is not None and len(found["days"]) == 3


def test_a_monitor_without_scores_has_no_panel(database: Database) -> None:
    assert panel(database, "host") is None


def test_muted_alerts_are_no_part_of_a_trial_and_replayed_history_is(database: Database) -> None:
    alerts = tables.alerts
    with database.write() as session:
        count = len(trials.flagged(session, 1, seed.datetime(2026, 3, 1, tzinfo=UTC)))
        some = sa.select(alerts.c.alert_id).where(alerts.c.monitor_id == 1, alerts.c.members == 4).limit(1)
        change = sa.update(alerts).where(alerts.c.alert_id == session.scalar(some))
        session.execute(change.values(state="suppressed", suppressed_by="holiday"))
        assert len(trials.flagged(session, 1, seed.datetime(2026, 3, 1, tzinfo=UTC))) == count - 4
        session.execute(change.values(suppressed_by="replayed history"))
        assert len(trials.flagged(session, 1, seed.datetime(2026, 3, 1, tzinfo=UTC))) == count


def test_the_pace_is_the_middle_time_between_verdicts_of_one_person(database: Database) -> None:
    with database.write() as session:
        session.execute(sa.delete(tables.reviews))
        for n, (actor, minutes) in enumerate([("ana", 0), ("ben", 1), ("ana", 2), ("ana", 5), ("ben", 90)]):
            session.execute(
                sa.insert(tables.reviews).values(
                    alert_id=1, verdict="true", actor=actor, at=NOW + seed.timedelta(minutes=minutes),
                    action_key=f"k{n}"))  # fmt: skip
        took, count = trials.pace(session)
    assert took is not None and (took.total_seconds(), count) == (180, 2)
