from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.domain.alert import HISTORY
from monitor.domain.erasure import CONTENT
from monitor.domain.errors import Conflict, UnknownError
from monitor.domain.field import Field, Schema
from monitor.domain.monitor import Monitor
from monitor.domain.review import VERDICTS
from monitor.jobs import review as reviewing
from monitor.storage import alerts, audit, labels, readings, reviews, tables
from monitor.storage.database import Database

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = Schema(fields=(Field(name="amount", type="number"),))
ALERT = {
    "queue": "default", "entity": "card 1", "state": "open", "severity": 3, "rank": 1.0, "opened_at": AT,
    "first_event_at": AT, "last_event_at": AT, "members": 2, "p_value": 1e-5, "why": "amount is 9.", "brief": "9",
    "fields": ["amount"], "provisional": False, "revision": 1, "monitor_id": 1,
}  # fmt: skip


@pytest.fixture
def database(database: Database) -> Database:
    """Two open alerts, of rows 1 and 2 and of row 3."""
    config = Monitor.model_validate(
        {"name": "card-payments", "kind": "tabular", "source": {"kind": "files", "path": "x.csv"}}
    )
    table = readings.table(config.table, SCHEMA)
    with database.write() as session:
        readings.create(session, table)
        session.execute(
            sa.insert(tables.monitors).values(
                name=config.name, document=config.model_dump(mode="json"), cursor={}, created_at=AT
            )
        )
        for n, alert_id in ((1, 1), (2, 1), (3, 2)):
            session.execute(
                sa.insert(table).values(
                    reading_id=n, source_key=f"key-{n}", revision=1, content_hash="h", event_at=AT, ingested_at=AT,
                    entity="card 1", run_id=1, amount=9.0)
            )  # fmt: skip
            session.execute(
                sa.insert(tables.outliers).values(
                    outlier_id=n, reading_id=n, version_id=1, monitor_id=1, event_at=AT, score=9.0, p_value=1e-5,
                    reason="p", provisional=False, explanation=[])
            )  # fmt: skip
            if n != 2:
                session.execute(
                    sa.insert(tables.alerts).values(alert_id=alert_id, public_id=f"a{alert_id}", **ALERT)
                )
            session.execute(sa.insert(tables.alert_members).values(outlier_id=n, alert_id=alert_id))
    return database


def give(
    database: Database, verdict: str = "true", key: str = "t:1", alert_id: int = 1, **options: Any
) -> int:
    with database.write() as session:
        return reviewing.review(session, alert_id, verdict, "ana", AT, key, **options)


def alert(database: Database, alert_id: int = 1) -> reviews.Standing:
    with database.read() as session:
        return reviews.standing(session, alert_id)


def trail(database: Database) -> list[str]:
    with database.read() as session:
        assert audit.verify(session).broken is None
        return [e.action for e in reversed(audit.about(session, ["alert:a1"]))]


def known(database: Database) -> dict[str, int]:
    with database.read() as session:
        found = session.execute(sa.select(tables.labels.c.source_key, tables.labels.c.value))
        return dict(found.all())


def kinds(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(sa.select(tables.alert_changes.c.kind)))


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda v: v.name)
def test_each_verdict_closes_the_alert_and_says_what_it_says_about_the_rows(
    database: Database, verdict: Any
) -> None:
    give(database, verdict.name)
    assert alert(database).state == "closed"
    assert known(database) == (
        {} if verdict.label is None else dict.fromkeys(["key-1", "key-2"], verdict.label)
    )
    assert trail(database) == ["alert.closed"] and kinds(database) == ["closed"]


def test_rows_of_a_confirmed_alert_are_kept_out_of_training(database: Database) -> None:
    give(database, "true")
    with database.read() as session:
        assert set(labels.anomalous(session, 1, ["key-1", "key-2", "key-3"])) == {"key-1", "key-2"}


def test_the_same_press_is_taken_once(database: Database) -> None:
    assert give(database) == give(database)
    assert trail(database) == ["alert.closed"]


def test_a_second_person_is_told_who_was_first(database: Database) -> None:
    give(database)
    with pytest.raises(Conflict, match="a1 was closed by ana as 'True'"):
        give(database, "false", "u:1")
    assert alert(database).state == "closed" and trail(database) == ["alert.closed"]


def test_a_verdict_on_an_older_look_is_refused(database: Database) -> None:
    with pytest.raises(Conflict, match="changed since"):
        give(database, revision=99)
    assert alert(database).state == "open" and not kinds(database)


def put(database: Database, **values: Any) -> None:
    with database.write() as session:
        session.execute(sa.update(tables.alerts).values(**values))


def test_an_alert_that_still_waits_takes_no_verdict(database: Database) -> None:
    put(database, state="waiting")
    with pytest.raises(Conflict, match="is waiting; expected one that is open or snoozed or suppressed"):
        give(database)


@pytest.mark.parametrize(("verdict", "value"), [("true", 1), ("missed", 1), ("false", 0)])
def test_what_was_replayed_as_history_takes_a_verdict_that_training_uses(
    database: Database, verdict: str, value: int
) -> None:
    put(database, state="suppressed", suppressed_by=HISTORY, severity=3)
    give(database, verdict)
    assert alert(database).state == "closed" and known(database) == {"key-1": value, "key-2": value}
    with database.read() as session:
        assert set(labels.anomalous(session, 1, ["key-1", "key-2"])) == (
            {"key-1", "key-2"} if value else set()
        )
        assert 1 not in alerts.unlearnable(session, 1, AT)  # a person looked: no guess is needed any more
    with database.write() as session:
        reviewing.undo(session, "ana", AT)
    assert alert(database).state == "suppressed" and known(database) == {}


def test_what_was_suppressed_cannot_be_snoozed(database: Database) -> None:
    put(database, state="suppressed", suppressed_by=HISTORY)
    with pytest.raises(Conflict, match="is suppressed; expected"), database.write() as session:
        reviewing.snooze(session, 1, "ana", AT, "t:1", timedelta(hours=4))


def test_an_erased_alert_takes_no_verdict_and_gives_none_back(database: Database) -> None:
    give(database)
    put(database, why=CONTENT)
    with pytest.raises(Conflict, match="entity of alert a1 was erased"), database.write() as session:
        reviewing.undo(session, "ana", AT)
    assert alert(database).state == "closed" and known(database) == {"key-1": 1, "key-2": 1}
    put(database, state="suppressed")
    with pytest.raises(Conflict, match="erased"):
        give(database, key="t:2")


def test_an_unknown_verdict_or_alert_is_refused_by_name(database: Database) -> None:
    with pytest.raises(UnknownError, match="no verdict 'maybe'"):
        give(database, "maybe")
    with pytest.raises(UnknownError, match="no alert '77'"):
        give(database, alert_id=77)


def test_undo_restores_the_alert_and_forgets_its_labels(database: Database) -> None:
    give(database, "true", alert_id=2, key="t:0")
    review_id = give(database)
    with database.write() as session:
        assert reviewing.undo(session, "ana", AT) == review_id
    assert alert(database).state == "open"
    assert known(database) == {"key-3": 1}
    assert trail(database) == ["alert.closed", "alert.reopened"]


def test_undo_of_a_press_takes_back_that_press_and_only_once(database: Database) -> None:
    give(database)
    give(database, alert_id=2, key="t:2")
    for expected in (1, None):
        with database.write() as session:
            assert reviewing.undo(session, "ana", AT, action_key="t:1") == expected
    assert alert(database, 1).state == "open" and alert(database, 2).state == "closed"


def test_a_press_sent_again_after_its_undo_does_not_close_the_alert_again(database: Database) -> None:
    give(database)
    with database.write() as session:
        reviewing.undo(session, "ana", AT, action_key="t:1")
    give(database)
    assert alert(database).state == "open"


def test_an_undone_alert_takes_a_new_verdict(database: Database) -> None:
    give(database)
    with database.write() as session:
        reviewing.undo(session, "ana", AT)
    give(database, "false", "t:2")
    assert known(database) == {"key-1": 0, "key-2": 0}


def test_with_nothing_to_take_back_undo_does_nothing(database: Database) -> None:
    with database.write() as session:
        assert reviewing.undo(session, "ana", AT) is None
    assert not kinds(database)


def test_undo_brings_back_the_snooze_that_the_verdict_ended(database: Database) -> None:
    until = AT + timedelta(hours=24)
    with database.write() as session:
        reviewing.snooze(session, 1, "ana", AT, "t:1", timedelta(hours=24))
    give(database, key="t:2")
    with database.write() as session:
        reviewing.undo(session, "ana", AT)
    assert (alert(database).state, alert(database).snoozed_until) == ("snoozed", until)


def test_a_snoozed_alert_comes_back_when_its_time_is_over(database: Database) -> None:
    with database.write() as session:
        reviewing.snooze(session, 1, "ana", AT, "t:1", timedelta(hours=4))
    assert reviewing.wake(database, AT + timedelta(hours=3)) == 0
    assert reviewing.wake(database, AT + timedelta(hours=4)) == 1
    assert alert(database).state == "open"
    assert kinds(database) == ["snoozed", "reopened"]


def test_a_snooze_or_note_sent_twice_is_taken_once(database: Database) -> None:
    for _ in range(2):
        with database.write() as session:
            reviewing.snooze(session, 1, "ana", AT, "t:1", timedelta(hours=4))
            reviewing.note(session, 1, "ana", AT, "t:2", "called\x00 them")
    assert kinds(database) == ["snoozed", "noted"]


def test_a_closed_alert_cannot_be_snoozed(database: Database) -> None:
    give(database)
    with pytest.raises(Conflict, match="closed by ana"), database.write() as session:
        reviewing.snooze(session, 1, "ben", AT, "u:1", timedelta(hours=4))


def test_an_alert_has_one_owner_who_alone_gives_it_back(database: Database) -> None:
    with database.write() as session:
        reviewing.claim(session, 1, "ana", AT)
        reviewing.claim(session, 1, "ana", AT)
        with pytest.raises(Conflict, match="belongs to ana"):
            reviewing.claim(session, 1, "ben", AT)
        assert not reviewing.release(session, 1, "ben", AT)
        assert reviewing.release(session, 1, "ana", AT)
    assert kinds(database) == ["claimed", "released"]


def test_a_failing_act_leaves_neither_state_nor_trail(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        reviewing.review(session, 1, "true", "ana", AT, "t:1")
        raise RuntimeError
    assert (
        alert(database).state == "open"
        and not kinds(database)
        and not trail(database)
        and not known(database)
    )


@pytest.mark.parametrize(
    ("state", "severity", "provisional", "left_out"),
    [
        ("open", 1, False, True),
        ("open", 2, True, False),  # chance, of what the version learnt from itself
        ("open", 3, True, True),
        ("suppressed", 2, True, False),
        ("suppressed", 3, True, True),  # an incident in replayed history is not learnt as usual
        ("closed", 4, False, False),
    ],
)
def test_what_nobody_reviewed_is_not_learnt_where_it_is_clearly_odd(
    database: Database, state: str, severity: int, provisional: bool, left_out: bool
) -> None:
    with database.write() as session:
        values = {"state": state, "severity": severity, "provisional": provisional}
        session.execute(sa.update(tables.alerts).where(tables.alerts.c.alert_id == 1).values(**values))
        found = alerts.unlearnable(session, 1, AT + timedelta(days=1))
    assert (found.get(1), found.get(2)) == (
        ("in alert a1, not reviewed yet",) * 2 if left_out else (None, None)
    )
