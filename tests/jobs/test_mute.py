"""Mutes: each ends, says why, is counted and leaves a line in the trail; what it hides stays stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import seed
import sqlalchemy as sa

from monitor.domain.alert import Outlier, Rule, group
from monitor.domain.erasure import CONTENT
from monitor.domain.errors import Conflict, UnknownError
from monitor.jobs import mute
from monitor.jobs import review as reviewing
from monitor.jobs.mute import WrongMute
from monitor.storage import alerts, audit, mutes, reviews, tables
from monitor.storage.database import Database

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)
DAY = timedelta(days=1)
CARDS = "card-payments"


@pytest.fixture
def database(database: Database) -> Database:
    """Two monitors with entities, and one without."""
    with database.write() as session:
        seeded = seed.Seed(session, NOW)
        seeded.monitor(seed.CARDS, seed.CARD_FIELDS)
        for document in (seed.PUMP, seed.ORDERS):
            seeded.monitor(document)
        flag = seed.Flag(seed.reading_id(1, 1), NOW, 1e-6, [seed.part("amount", 1.0, 9.0, 2.0)])
        seeded.alert(1, "fraud", "card 7", [flag], 3, "amount is 9.", "amount 9", public_id="a1")
        del (
            seeded.waiting["outliers"],
            seeded.waiting["alert_members"],
        )  # numbers of their own, which scoring gives
        seeded.flush()
    return database


def add(database: Database, name: str = CARDS, at: datetime = NOW, **options: Any) -> int:
    with database.write() as session:
        given = {"entity": None, "until": at + DAY, "reason": "maintenance"} | options
        return mute.add(session, name, "ana", at, **given)


def flagged(database: Database, entity: str, at: datetime, n: int = 2) -> str | None:
    """What scoring makes of an outlier: by what its alert is suppressed."""
    outlier = Outlier(seed.reading_id(1, n), entity, at, 1e-6, None, "w", "b", ("amount",), False)
    rule = Rule(gap=timedelta(minutes=30), min_duration=timedelta(0), cutoff=1e-4)
    with database.write() as session:
        changes = group([outlier], alerts.growing(session, 1, at - DAY), alerts.mutes(session, 1, at), rule)
        alerts.store(
            session, 1, 1, "fraud", changes, {outlier.reading_id: []}, {outlier.reading_id: (9.0, "p")}, at
        )
    return changes[0].alert.suppressed_by


def in_force(database: Database, at: datetime = NOW, **options: Any) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [(m["suppression_id"], m["monitor"], m["entity"], m["suppressed"])
                for m in mutes.listed(session, at, **options)]  # fmt: skip


def trail(database: Database, name: str = CARDS) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as session:
        assert audit.verify(session).broken is None
        return [(e.action, e.detail) for e in reversed(audit.about(session, [f"monitor:{name}"]))]


def test_a_muted_entitys_alerts_are_stored_as_suppressed_and_counted(database: Database) -> None:
    number = add(database, entity="card 7")
    assert flagged(database, "card 7", NOW + timedelta(hours=3)) == f"mute {number}: maintenance"
    assert flagged(database, "card 8", NOW + timedelta(hours=3), 3) is None
    assert in_force(database) == [(number, CARDS, "card 7", 1)]
    with database.write() as session:
        hidden = session.scalar(
            sa.select(tables.alerts.c.alert_id).where(tables.alerts.c.state == "suppressed")
        )
        reviewing.review(session, hidden, "missed", "ben", NOW + DAY / 2, "t:1")
    assert in_force(database) == [(number, CARDS, "card 7", 1)]  # a verdict on it does not uncount it


def test_a_mute_of_a_whole_monitor_covers_every_entity_and_no_other_monitor(database: Database) -> None:
    number = add(database)
    assert flagged(database, "card 9", NOW + timedelta(hours=3)) == f"mute {number}: maintenance"
    with database.read() as session:
        assert alerts.mutes(session, 2, NOW) == []
        assert [m.suppression_id for m in mutes.over(session, 1, "card 9", NOW)] == [number]
        assert mutes.over(session, 2, "card 9", NOW) == []


def test_every_mute_ends(database: Database) -> None:
    number = add(database)
    assert in_force(database, NOW + DAY) == []
    assert in_force(database, NOW + DAY, ended=True) == [(number, CARDS, None, 0)]
    assert flagged(database, "card 9", NOW + DAY) is None


def test_a_mute_that_was_ended_hides_nothing_that_comes_after(database: Database) -> None:
    number = add(database)
    with database.write() as session:
        assert mute.end(session, number, "ben", NOW + timedelta(hours=1)).reason == "maintenance"
    assert (
        flagged(database, "card 9", NOW + timedelta(minutes=50)) is not None
    )  # what happened before, and is late
    assert flagged(database, "card 9", NOW + timedelta(hours=2), 3) is None
    with pytest.raises(Conflict, match=f"mute {number} ended already"), database.write() as session:
        mute.end(session, number, "ben", NOW + timedelta(hours=2))
    assert [action for action, _ in trail(database)] == ["mute.added", "mute.ended"]
    assert trail(database)[0][1] == {"mute": number, "entity": None, "until": (NOW + DAY).isoformat(),
                                     "reason": "maintenance"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (CARDS, {"reason": " "}, "needs a reason"),
        (CARDS, {"until": NOW}, "expected an end ahead"),
        (CARDS, {"until": NOW + timedelta(days=400)}, "at most 366 days"),
        ("web-orders", {"entity": "x"}, "has no entities"),
    ],
)
def test_what_is_no_mute_is_refused(
    database: Database, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(WrongMute, match=words):
        add(database, name, **options)
    assert in_force(database) == [] and trail(database, name) == []


def test_an_unknown_monitor_or_mute_is_named(database: Database) -> None:
    with pytest.raises(UnknownError, match="no monitor 'nope'; known: card-payments"):
        add(database, "nope")
    number = add(database)
    with pytest.raises(UnknownError, match=f"no mute '99'; known: {number}"), database.write() as session:
        mute.end(session, 99, "ana", NOW)


def of_alert(database: Database, key: str = "t:1", whole: bool = False) -> int | None:
    with database.write() as session:
        alert_id = reviews.standing_of(session, "a1").alert_id
        return mute.of_alert(session, alert_id, "ana", NOW, key, whole=whole, span=DAY, reason="new till")


@pytest.mark.parametrize(("whole", "entity"), [(False, "card 7"), (True, None)])
def test_an_alerts_entity_or_monitor_is_muted_once_a_press_and_the_alert_stays(
    database: Database, whole: bool, entity: str | None
) -> None:
    number = of_alert(database, whole=whole)
    assert of_alert(database, whole=whole) is None
    assert in_force(database) == [(number, CARDS, entity, 0)]
    with database.read() as session:
        alert = reviews.standing_of(session, "a1")
        assert alert.state == "open" and mute.of_press(session, alert.alert_id, "t:1") == number
        assert mute.of_press(session, alert.alert_id, "t:2") is None


def test_an_alert_of_no_entity_offers_its_monitor_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(sa.update(tables.alerts).values(entity=None))
    with pytest.raises(WrongMute, match="has no entity"):
        of_alert(database)
    assert of_alert(database, whole=True) is not None


@pytest.mark.parametrize("gone", [{"why": CONTENT}, {"deleted_at": NOW}])
def test_nothing_is_muted_where_entity_or_monitor_is_gone(database: Database, gone: dict[str, Any]) -> None:
    with database.write() as session:
        session.execute(sa.update(tables.alerts if "why" in gone else tables.monitors).values(**gone))
    with pytest.raises(Conflict, match="is gone; nothing to mute"):
        of_alert(database)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(tables.suppressions)) == 0
