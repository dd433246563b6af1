from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dashboards.actions import Tray, take
from dashboards.views.alerts import Desk, compose
from monitor.storage import inbox, mutes, reviews, tables
from monitor.storage.database import Database
from monitor.storage.inbox import Asked

NOW = datetime(2026, 3, 29, tzinfo=UTC)
TRAY = "1-2-3-tray"


def ids(database: Database) -> list[str]:
    with database.read() as session:
        return [r.public_id for r in inbox.page(session, Asked(view="all"), 10)]


def send(
    database: Database, *actions: dict[str, Any], trays: dict[str, Tray] | None = None
) -> dict[str, Tray]:
    trays = {} if trays is None else trays
    take(database, {"tray": TRAY, "list": list(actions)}, trays, "ana", NOW)
    return trays


def verdict(n: int, alert: str, name: str = "true") -> dict[str, Any]:
    return {"n": n, "do": "verdict", "alert": alert, "verdict": name}


def state(database: Database, public_id: str) -> str:
    with database.read() as session:
        return reviews.standing_of(session, public_id).state


def test_what_was_acknowledged_is_not_taken_again(fresh: Database) -> None:
    first, second = ids(fresh)[:2]
    trays = send(fresh, verdict(1, first))
    send(fresh, verdict(1, second), verdict(2, second), trays=trays)
    with fresh.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(tables.reviews.c.at == NOW)) == 2
    assert trays[TRAY].taken == 2


def test_a_session_that_forgot_its_numbers_takes_nothing_twice(fresh: Database) -> None:
    first = ids(fresh)[0]
    presses = [verdict(1, first), {"n": 2, "do": "undo", "of": 1, "alert": first}]
    for _ in range(2):
        trays = send(fresh, *presses)
    assert state(fresh, first) == "open" and trays[TRAY] == Tray(2, [])


def test_one_refusal_does_not_stop_the_others(fresh: Database) -> None:
    first, second = ids(fresh)[:2]
    trays = send(
        fresh, verdict(1, first), verdict(2, first, "false"), verdict(3, "nosuch"), verdict(4, second)
    )
    assert [r["n"] for r in trays[TRAY].refused] == [2, 3]
    assert "was closed by ana" in trays[TRAY].refused[0]["message"]
    assert state(fresh, second) == "closed" and trays[TRAY].taken == 4


def test_undo_of_a_snooze_brings_the_alert_back(fresh: Database) -> None:
    first = ids(fresh)[0]
    send(fresh, {"n": 1, "do": "snooze", "alert": first, "choice": 2})
    assert state(fresh, first) == "snoozed"
    send(fresh, {"n": 2, "do": "undo", "of": 1, "alert": first})
    assert state(fresh, first) == "open"


def test_a_verdict_of_before_is_taken_back_on_its_alert(fresh: Database) -> None:
    first = ids(fresh)[0]
    send(fresh, verdict(1, first))
    trays = send(fresh, {"n": 1, "do": "reopen", "alert": first}, {"n": 2, "do": "reopen", "alert": first})
    assert state(fresh, first) == "open"
    assert [(r["n"], "no verdict on it stands" in r["message"]) for r in trays[TRAY].refused] == [(2, True)]


def muted(database: Database) -> list[tuple[str | None, str]]:
    with database.read() as session:
        return [(m["entity"], m["reason"]) for m in mutes.listed(session, NOW)]


def test_a_mute_is_taken_once_and_undone_or_ended_by_a_press(fresh: Database) -> None:
    first = ids(fresh)[0]
    with fresh.read() as session:
        entity = reviews.standing_of(session, first).entity
    press = {"n": 1, "do": "mute", "alert": first, "choice": 2, "text": "new till"}
    for _ in range(2):
        send(fresh, press)
    assert muted(fresh) == [(entity, "new till")]
    send(fresh, {"n": 2, "do": "undo", "of": 1, "alert": first})
    assert muted(fresh) == [] and state(fresh, first) == "open"
    send(fresh, {**press, "n": 3, "whole": True})
    assert muted(fresh) == [(None, "new till")]
    send(fresh, {"n": 4, "do": "unmute", "alert": first, "choice": 2})
    assert muted(fresh) == []
    trays = send(fresh, {**press, "n": 5, "text": " "})
    assert "needs a reason" in trays[TRAY].refused[0]["message"]


def test_an_alert_is_taken_and_given_back(fresh: Database) -> None:
    first = ids(fresh)[0]
    send(fresh, {"n": 1, "do": "claim", "alert": first})
    with fresh.read() as session:
        assert reviews.standing_of(session, first).owner == "ana"
    send(fresh, {"n": 2, "do": "release", "alert": first})
    with fresh.read() as session:
        assert reviews.standing_of(session, first).owner is None


@pytest.mark.parametrize(
    "sent",
    [None, 7, {}, {"tray": "x" * 90, "list": []}, {"tray": "a b' or 1=1", "list": []}, {"tray": TRAY, "list": "no"},
     {"tray": TRAY, "list": [None, 3, {"n": "one"}, {"do": "verdict"}]}],
)  # fmt: skip
def test_what_is_no_list_of_presses_is_ignored(fresh: Database, sent: Any) -> None:
    trays: dict[str, Tray] = {}
    assert take(fresh, sent, trays, "ana", NOW) == []
    assert all(t.taken == 0 for t in trays.values())


def test_a_press_of_an_unknown_kind_is_acknowledged_with_a_reason(fresh: Database) -> None:
    trays = send(fresh, {"n": 1, "do": "drop tables", "alert": "x"})
    assert trays[TRAY].taken == 1 and "does not know" in trays[TRAY].refused[0]["message"]


def test_looking_at_the_inbox_asks_for_no_write_lock(
    fresh: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "write", None)  # whoever writes here fails
    compose(fresh, Desk(), None, "ana", NOW)


def test_a_snooze_that_is_over_is_seen_by_looking(fresh: Database) -> None:
    first = ids(fresh)[0]
    send(fresh, {"n": 1, "do": "snooze", "alert": first, "choice": 2})
    compose(fresh, Desk(), None, "ana", NOW + timedelta(hours=5))
    assert state(fresh, first) == "open"


def test_what_is_snoozed_leaves_the_list_and_stands_under_snoozed(fresh: Database) -> None:
    first = ids(fresh)[0]
    desk, aside = Desk(), Desk({"queue": None, "view": "snoozed", "words": "", "turn": 0})

    def shown(desk: Desk) -> list[str]:
        return [r["id"] for r in compose(fresh, desk, None, "ana", NOW)["rows"]]

    before = shown(desk)
    send(fresh, {"n": 1, "do": "snooze", "alert": first, "choice": 2})
    assert shown(desk) == [name for name in before if name != first] and shown(aside) == [first]
    send(fresh, {"n": 2, "do": "undo", "of": 1, "alert": first})
    assert shown(desk) == before and shown(aside) == []
