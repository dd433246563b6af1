from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import seed
import sqlalchemy as sa

from monitor.domain.alert import ASKING, HISTORY
from monitor.domain.errors import UnknownError
from monitor.storage import alerts, evidence, inbox, reviews, tables
from monitor.storage.database import Database
from monitor.storage.inbox import Asked

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)
A = tables.alerts.c


@pytest.fixture
def database(database: Database) -> Database:
    seed.fill(database, NOW, days=3)
    return database


def test_the_queue_is_ordered_by_rank_and_cut_where_asked(database: Database) -> None:
    with database.read() as session:
        rows = inbox.page(session, Asked(), 12)
        assert inbox.page(session, Asked(), 5) == rows[:5]
    assert len(rows) == 12
    assert [r.rank for r in rows] == sorted((r.rank for r in rows), reverse=True)
    assert all(r.state == "open" for r in rows)


def test_mine_and_free_leaves_out_what_others_took(database: Database) -> None:
    with database.read() as session:
        of_ana = inbox.page(session, Asked(actor="ana"), 100)
        of_ben = inbox.page(session, Asked(actor="ben"), 100)
        all_of_it = inbox.page(session, Asked(view="all", actor="ben"), 100)
    assert len(of_ana) == len(all_of_it) == len(of_ben) + 1


def test_a_queue_shows_its_own(database: Database) -> None:
    with database.read() as session:
        assert {r.monitor for r in inbox.page(session, Asked("plant"), 100)} == {"pump-line-3"}
        assert [(n, o) for n, _, o in inbox.queues(session)] == [("default", 0), ("fraud", 30), ("plant", 1)]


def test_every_word_of_the_filter_must_be_found_somewhere(database: Database) -> None:
    with database.read() as session:
        assert [r.entity for r in inbox.page(session, Asked(words="LINE flow"), 9)] == ["line 3"]
        assert inbox.page(session, Asked(words="line zebra"), 9) == []
        assert inbox.page(session, Asked(words="%"), 9) == []  # no wildcard of the database's own


def test_these_come_in_the_order_asked_for_without_the_closed(database: Database) -> None:
    with database.read() as session:
        ids = [r.alert_id for r in inbox.page(session, Asked(), 3)][::-1]
        closed = session.scalar(sa.select(A.alert_id).where(A.state == "closed").limit(1))
        assert [r.alert_id for r in inbox.these(session, [closed, *ids], ASKING)] == ids
        assert inbox.these(session, [], ASKING) == []


def test_closed_ones_are_found_from_a_moment_on_the_last_first(database: Database) -> None:
    asked = Asked("fraud", "closed", since=NOW - timedelta(days=30))
    with database.read() as session:
        rows = inbox.page(session, asked, 100)
        assert inbox.page(session, asked, 5) == rows[:5]
        assert inbox.these(session, [r.alert_id for r in rows], asked.states) == rows
        found = inbox.page(session, replace(asked, words=f"{rows[0].public_id} 99"), 9)
        earlier = inbox.page(session, replace(asked, since=NOW - timedelta(days=100)), 100)
        assert inbox.page(session, replace(asked, queue="plant"), 9) == []
    assert [r.closed_at for r in rows] == sorted((r.closed_at for r in rows), reverse=True)
    assert len(rows) == 22 and {r.state for r in rows} == {"closed"} and all(r.verdict for r in rows)
    assert len(earlier) > len(rows) and [r.public_id for r in found] == [rows[0].public_id]


def test_a_list_of_closed_ones_says_as_what_who_and_when_the_last_first(database: Database) -> None:
    with database.read() as session:
        found = alerts.listed(session, "closed", None, 100)
        assert alerts.listed(session, "closed", "fraud", 3) == [a for a in found if a["queue"] == "fraud"][:3]
        standing = {a["public_id"]: reviews.standing_of(session, a["public_id"]).alert_id for a in found[:3]}
        said = {name: reviews.standing_review(session, alert_id) for name, alert_id in standing.items()}
    at = [a["closed_at"] for a in found]
    assert len(found) > 20 and at == sorted(at, reverse=True)
    for one in found[:3]:
        review = said[one["public_id"]]
        assert review is not None
        assert (one["verdict"], one["closed_by"]) == (review.verdict, review.actor)


def test_suppressed_ones_are_found_the_most_urgent_first(database: Database) -> None:
    with database.write() as session:
        chosen = [r.alert_id for r in inbox.page(session, Asked("fraud"), 3)]
        reasons = [HISTORY, "mute 1: holiday", HISTORY]
        for alert_id, reason in zip(chosen, reasons, strict=True):
            session.execute(
                sa.update(tables.alerts)
                .where(A.alert_id == alert_id)
                .values(state="suppressed", suppressed_by=reason)
            )
        rows = inbox.page(session, Asked(view="suppressed"), 9)
        assert [r.alert_id for r in rows] == chosen
        assert [r.historic for r in rows] == [True, False, True]
        assert not {*chosen} & {r.alert_id for r in inbox.page(session, Asked(view="all"), 100)}


def test_a_day_of_the_inbox_begins_where_most_monitors_are(database: Database) -> None:
    with database.write() as session:
        assert inbox.zone(session) == "UTC"
        later = tables.monitors.c.monitor_id > 3
        session.execute(sa.update(tables.monitors).where(later).values(deleted_at=NOW))
        assert inbox.zone(session) == "Europe/Berlin"


def test_figures_count_and_add_up_what_the_rows_say(database: Database) -> None:
    with database.read() as session:
        rows = inbox.page(session, Asked("fraud", "all"), 100)
        found = inbox.figures(session, "fraud", NOW - timedelta(days=30))
    assert found.open == len(rows) == 30
    assert found.value["EUR"] == pytest.approx(sum(r.value or 0 for r in rows))
    assert found.closed_today == 22


def test_the_strongest_row_is_the_one_with_the_smallest_p_value(database: Database) -> None:
    with database.read() as session:
        row = inbox.page(session, Asked("fraud"), 1)[0]
        top = evidence.strongest(session, row.alert_id)
        members = evidence.members(session, row.alert_id, 100)
    assert top.p_value == min(m.p_value for m in members)
    assert top.explanation[0]["field"] == "amount" and top.number == 41
    assert [m.event_at for m in members] == sorted(m.event_at for m in members)


def test_a_described_alert_says_with_how_many_rows_it_was_compared(database: Database) -> None:
    with database.read() as session:
        found = alerts.described(session, inbox.page(session, Asked("fraud"), 1)[0].public_id)
    assert found["compared"] == 5_000
    assert found["reason"] == "1 in 5,000 or odder"
    assert "facts" not in found


def test_an_alert_that_is_not_there_is_named(database: Database) -> None:
    with database.read() as session, pytest.raises(UnknownError, match="no alert 'nosuch'"):
        evidence.alert(session, "nosuch")


PUMP = evidence.table_of("readings_pump_line_3", {"flow": sa.Double})


def test_a_series_is_thinned_by_the_database_and_keeps_every_extreme(database: Database) -> None:
    with database.read() as session:
        points = evidence.series(session, PUMP, "flow", "line 3", NOW - timedelta(days=30), NOW)
        low, high = session.execute(sa.select(sa.func.min(PUMP.c.flow), sa.func.max(PUMP.c.flow))).one()
    assert len(points) == evidence.BUCKETS
    assert (min(p.low for p in points), max(p.high for p in points)) == (low, high)
    assert points[0].at == NOW - timedelta(minutes=2200)


def test_a_window_holds_so_many_readings_around_the_flagged_span(database: Database) -> None:
    first, last = NOW - timedelta(minutes=40), NOW - timedelta(minutes=10)
    with database.read() as session:
        start, end = evidence.window(session, PUMP, "line 3", first, last)
        assert evidence.window(session, PUMP, "nobody", first, last) == (first, last)
    assert start == first - timedelta(minutes=evidence.BEFORE)
    assert end == NOW - timedelta(minutes=1)  # fewer than 60 have come since


def test_superseded_rows_are_not_drawn(database: Database) -> None:
    with database.write() as session:
        session.execute(sa.update(PUMP).values(superseded_at=NOW))
        assert evidence.series(session, PUMP, "flow", "line 3", NOW - timedelta(days=30), NOW) == []


def test_recent_rows_come_oldest_first(database: Database) -> None:
    with database.read() as session:
        rows = evidence.recent(session, PUMP, "flow", "line 3", NOW - timedelta(hours=1), 5)
    assert [at for _, at, _ in rows] == [NOW - timedelta(minutes=60 + n) for n in (4, 3, 2, 1, 0)]


def test_the_past_of_an_entity_leaves_out_the_alert_itself_and_others(database: Database) -> None:
    with database.read() as session:
        row = evidence.alert(session, inbox.page(session, Asked(words="card 1311"), 1)[0].public_id)
        found = evidence.past(session, row, NOW - timedelta(days=90), 40)
    assert [p.verdict for p in found] == ["true", "false", "expected"]
    assert row.public_id not in {p.public_id for p in found}


def test_changes_come_newest_first(database: Database) -> None:
    with database.write() as session:
        alert_id = inbox.page(session, Asked("plant"), 1)[0].alert_id
        session.execute(
            sa.insert(tables.alert_changes).values(
                alert_id=alert_id, at=NOW, kind="noted", actor="ana", detail={}
            )
        )
        assert [c.kind for c in evidence.changes(session, alert_id, 9)] == ["noted", "opened"]


def test_of_an_alerts_growing_only_the_last_step_is_told(database: Database) -> None:
    with database.write() as session:
        alert_id = inbox.page(session, Asked("plant"), 1)[0].alert_id
        for n in range(30):
            values = {"alert_id": alert_id, "at": NOW + timedelta(minutes=n), "actor": "monitor"}
            session.execute(
                sa.insert(tables.alert_changes).values(kind="grew", detail={"members": n}, **values)
            )
        found = evidence.changes(session, alert_id, 9)
    assert [(c.kind, c.detail["members"]) for c in found] == [("grew", 29), ("opened", 31)]
