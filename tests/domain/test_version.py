"""What was decided on a version is a list that only grows, and older rows are read as they were meant."""

from datetime import UTC, datetime, timedelta

from monitor.domain.version import GATE, Step, kept, steps

AT = datetime(2026, 3, 1, 2, 13, tzinfo=UTC)
REJECTED = Step("rejected", GATE, AT, "finds fewer planted faults", {"auroc": 0.9})
PROMOTED = Step("promoted", "ana", AT + timedelta(hours=8), "the faults are not ours", other=41)


def test_steps_come_back_as_they_were_kept_newest_last() -> None:
    stored = kept([REJECTED, PROMOTED])
    assert steps(stored) == [REJECTED, PROMOTED]
    assert steps(kept([*steps(stored), REJECTED])) == [REJECTED, PROMOTED, REJECTED]


def test_readers_of_one_decision_find_the_newest_where_it_always_was() -> None:
    stored = kept([REJECTED, PROMOTED])
    assert (stored["reason"], stored["promoted"]) == ("the faults are not ours", True)
    assert stored["figures"] == {}


def test_one_decision_of_an_earlier_release_is_one_step() -> None:
    gate = {"reason": "too much", "figures": {"auroc": 0.9}, "promoted": False}
    hand = {"reason": "promoted by ana", "figures": {"before": "retired"}, "promoted": True}
    assert steps(gate, AT) == [Step("rejected", GATE, AT, "too much", {"auroc": 0.9})]
    assert steps(hand, AT) == [Step("rolled back", "ana", AT, "no reason given")]
    assert steps(None) == []


def test_a_step_says_what_by_whom_and_when_with_the_zone() -> None:
    now = AT + timedelta(days=1)
    assert PROMOTED.said("Europe/Berlin", now) == "promoted over v41 by ana, 1 Mar, 11:13 CET"
    assert REJECTED.said("UTC", now) == "rejected by the gate, 1 Mar, 02:13 UTC"
    replaced = Step("replaced", GATE, AT, "", other=42)
    assert replaced.said("UTC", now) == "replaced by v42, decided by the gate, 1 Mar, 02:13 UTC"
