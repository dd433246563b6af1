"""What a person does to versions: every decision is kept, and going back is called going back."""

import pytest
import seed
import sqlalchemy as sa

from monitor.domain.errors import Conflict
from monitor.domain.version import GATE, Decision, Step, steps
from monitor.jobs import promote
from monitor.jobs.context import Context
from monitor.jobs.pin import pin
from monitor.scheduling import run_now
from monitor.storage import audit, tables, versions
from monitor.storage.database import Database, Session

V = tables.versions.c


@pytest.fixture
def database(database: Database) -> Database:
    """card-payments has v39 retired, v40 rejected, v41 champion."""
    seed.fill(database, days=1)
    return database


def put(context: Context, number: int, why: str = "") -> str:
    with context.database.read() as session:
        version = versions.numbered(session, 1, number)
    asked = {"version_id": version.version_id, "by_hand": True, "why": why}
    return str(run_now(context, "promote", "card-payments", "ana", counts=asked)["message"])


def told(context: Context, number: int) -> list[tuple[str, str, str, int | None]]:
    with context.database.read() as session:
        row = session.execute(
            sa.select(V.decision, V.decided_at).where(V.monitor_id == 1, V.number == number)
        ).one()
    return [(s.kind, s.actor, s.reason, s.other) for s in steps(row.decision, row.decided_at)]


def test_a_person_who_promotes_a_rejected_version_leaves_the_gates_reason(context: Context) -> None:
    before = told(context, 40)
    assert before[0][0] == "rejected" and "finds fewer planted faults" in before[0][2]
    put(context, 40, "the planted faults are not ours")
    assert told(context, 40) == [*before, ("promoted", "ana", "the planted faults are not ours", 41)]


def test_going_back_is_a_roll_back_and_both_versions_say_so(context: Context) -> None:
    before = told(context, 41)
    assert "rolled back to v39 by ana: too many alerts" in put(context, 39, "too many alerts")
    assert told(context, 39)[-1] == ("rolled back", "ana", "too many alerts", 41)
    assert told(context, 41) == [*before, ("replaced", "ana", "too many alerts", 39)]
    put(context, 41)
    assert told(context, 41)[-1] == ("promoted", "ana", "no reason given", 39)
    with context.database.read() as session:
        actions = [e.action for e in audit.about(session, ["monitor:card-payments"])]
    assert actions == ["version.promoted", "version.rolled_back"]


def test_a_pin_is_kept_once_with_who_and_why(context: Context) -> None:
    before = told(context, 41)
    with context.database.write() as session:
        for _ in range(2):
            pin(session, "card-payments", True, "ana", context.now(), "holidays", 41)
        pin(session, "card-payments", False, "ben", context.now())
    assert told(context, 41) == [
        *before, ("pinned", "ana", "holidays", None), ("unpinned", "ben", "no reason given", None)
    ]  # fmt: skip
    with context.database.read() as session:
        champion = versions.champion(session, 1)
    assert champion is not None and not champion.pinned


def test_a_champion_pinned_while_the_gate_decided_stays(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with context.database.write() as session:
        session.execute(sa.update(tables.versions).where(V.number == 40).values(state="candidate"))

    def decided(*_: object) -> Decision:
        with context.database.write() as session:
            pin(session, "card-payments", True, "ana", context.now(), "holidays")
        return Decision(True, "not worse than the champion", {})

    monkeypatch.setattr(promote, "_decide", decided)
    said = run_now(context, "promote", "card-payments", "ana")["message"]
    assert said == (
        "v40 rejected by the gate: v41 is pinned; unpin it to let the gate decide; "
        "it would have been promoted: not worse than the champion"
    )
    with context.database.read() as session:
        champion = versions.champion(session, 1)
        assert champion is not None and (champion.number, champion.pinned) == (41, True)
        assert versions.numbered(session, 1, 40).state == "rejected"
        assert audit.about(session, ["monitor:card-payments"])[0].action == "version.rejected"


def test_a_pin_that_comes_after_the_gate_is_refused(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = versions.set_pinned

    def overtaken(session: Session, version: versions.Version, step: Step) -> bool:
        better = Step("promoted", GATE, context.now(), "better")
        versions.promote(session, versions.numbered(session, 1, 40), better)
        return pinned(session, version, step)

    monkeypatch.setattr(versions, "set_pinned", overtaken)
    with context.database.write() as session, pytest.raises(Conflict, match="v41 is no longer the champion"):
        pin(session, "card-payments", True, "ana", context.now(), "holidays")


def test_a_champions_model_is_not_dropped(context: Context) -> None:
    with context.database.write() as session:
        dropped = [
            versions.drop_bundle(session, versions.numbered(session, 1, number).version_id)
            for number in (40, 41)
        ]
        assert dropped == [True, False]
        assert versions.bundle(session, versions.numbered(session, 1, 41).version_id)


def test_a_pin_meant_for_another_champion_is_refused(context: Context) -> None:
    with context.database.write() as session, pytest.raises(Conflict, match="v40 is no longer the champion"):
        pin(session, "card-payments", True, "ana", context.now(), number=40)
