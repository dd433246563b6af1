from datetime import UTC, datetime, timedelta

import pytest
import seed
import sqlalchemy as sa

from monitor.storage import pages, tables
from monitor.storage.database import Database
from monitor.storage.pages import Sought

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)


@pytest.fixture
def database(database: Database) -> Database:
    seed.fill(database, NOW, days=3)
    return database


def test_the_fleet_has_each_monitor_with_its_champion_and_open_alerts(database: Database) -> None:
    with database.read() as session:
        found = {m.name: m for m in pages.fleet(session)}
    assert sorted(found) == ["card-payments", "cold-storage", "host", "pump-line-3", "web-orders"]
    cards, host = found["card-payments"], found["host"]
    assert (cards.version, cards.open, cards.severity, cards.provisional) == (41, 30, 4, False)
    assert (host.version, host.open, host.severity, host.provisional) == (None, 0, None, False)
    assert found["cold-storage"].provisional
    assert cards.pulled_at is not None and NOW - cards.pulled_at < timedelta(minutes=1)


def test_a_deleted_monitor_is_gone_from_the_fleet(database: Database) -> None:
    with database.write() as session:
        session.execute(
            sa.update(tables.monitors).where(tables.monitors.c.name == "host").values(deleted_at=NOW)
        )
        assert "host" not in {m.name for m in pages.fleet(session)}


def test_only_a_failure_that_no_success_followed_counts(database: Database) -> None:
    with database.write() as session:
        failed = pages.failures(session)
        assert list(failed) == [3] and "no such file" in failed[3].message
        again = seed.Seed(session, NOW)
        again.run(3, "pull", 1)
        again.flush()
        assert pages.failures(session) == {}


def test_sparks_hold_a_day(database: Database) -> None:
    with database.read() as session:
        found = pages.sparks(session, NOW - timedelta(days=1))
    assert {i: len(bins) for i, bins in found.items()} == {1: 97, 2: 97, 3: 85, 5: 97}
    assert [b.at for b in found[1]] == sorted(b.at for b in found[1])


def test_scores_are_thinned_and_keep_the_oddest_row(database: Database) -> None:
    with database.read() as session:
        thin = pages.scores(session, 1, NOW - timedelta(days=90), NOW, points=100)
        whole = pages.scores(session, 1, NOW - timedelta(days=90), NOW, points=10_000)
    assert len(thin) == 100 and len(whole) == 288
    assert min(b.p_value for b in thin) == min(b.p_value for b in whole)
    assert sum(b.flagged for b in thin) == sum(b.flagged for b in whole) == 3
    assert sum(b.rows for b in thin) == 288 * 40


def test_the_desk_counts_verdicts_and_the_middle_time_to_one(database: Database) -> None:
    with database.read() as session:
        desk = pages.desk(session, NOW)
    assert desk.open == 31 and desk.verdicts == {"true": 22}
    assert desk.to_verdict is not None and timedelta(minutes=55) < desk.to_verdict < timedelta(hours=1)


def test_an_empty_desk_has_no_median(database: Database) -> None:
    with database.read() as session:
        desk = pages.desk(session, NOW + timedelta(days=400))
    assert desk.to_verdict is None and desk.verdicts == {}


def test_runs_are_paged_by_key_without_gap_or_repeat(database: Database) -> None:
    with database.read() as session:
        whole = [r.run_id for r in pages.runs(session, Sought(), None, 10_000)]
        paged: list[int] = []
        while more := pages.runs(session, Sought(), paged[-1] if paged else None, 97):
            paged += [r.run_id for r in more]
    assert paged == whole == sorted(whole, reverse=True)


@pytest.mark.parametrize(
    ("sought", "count"),
    [
        (Sought(state="failed"), 3),
        (Sought(job="train"), 2),
        (Sought(3, "pull", "done"), 84),
        (Sought(4, "pull"), 1),
    ],
)
def test_runs_are_filtered(database: Database, sought: Sought, count: int) -> None:
    with database.read() as session:
        assert len(pages.runs(session, sought, None, 1000)) == count


def test_versions_come_newest_first_without_their_bytes(database: Database) -> None:
    with database.read() as session:
        found = pages.versions(session, 1)
    assert [(v.number, v.state) for v in found] == [(41, "champion"), (40, "rejected"), (39, "retired")]
    assert not hasattr(found[0], "bundle")


def test_jobs_are_counted_since(database: Database) -> None:
    with database.read() as session:
        assert pages.jobs(session, NOW - timedelta(hours=2))["failed"] == 2
        assert pages.undelivered(session) == 0
