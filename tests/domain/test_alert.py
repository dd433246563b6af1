from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alert import HISTORY, Alert, Mute, Outlier, Rule, group, severity

START = datetime(2026, 3, 1, tzinfo=UTC)
RULE = Rule(gap=timedelta(minutes=30), min_duration=timedelta(0), cutoff=0.01)


def outlier(minute: float, entity: str | None = "a", reading_id: int = 0, **changes: object) -> Outlier:
    values: dict[str, object] = {
        "reading_id": reading_id, "entity": entity, "event_at": START + timedelta(minutes=minute), "p_value": 0.001,
        "value": None, "why": "why", "brief": "brief", "fields": ("x",), "provisional": False,
    }  # fmt: skip
    return Outlier(**(values | changes))  # type: ignore[arg-type]  # built from parts


def stored(alert: Alert, alert_id: int, **changes: object) -> Alert:
    from dataclasses import replace

    return replace(alert, alert_id=alert_id, **changes)  # type: ignore[arg-type]  # as above


def test_outliers_of_one_entity_within_the_gap_are_one_alert() -> None:
    changes = group([outlier(0), outlier(25), outlier(50)], [], [], RULE)
    assert [(c.kind, c.alert.members) for c in changes] == [("opened", 3)]


def test_a_longer_silence_or_another_entity_opens_another_alert() -> None:
    changes = group([outlier(0), outlier(31), outlier(0, "b")], [], [], RULE)
    assert [c.alert.members for c in changes] == [1, 1, 1]


def test_an_open_alert_grows_and_escalates_when_an_outlier_is_odder() -> None:
    first = group([outlier(0)], [], [], RULE)[0].alert
    changes = group([outlier(10, p_value=0.000_001)], [stored(first, 7)], [], RULE)
    assert [(c.kind, c.alert.alert_id, c.alert.members) for c in changes] == [("escalated", 7, 2)]


def test_a_closed_alert_does_not_grow() -> None:
    first = group([outlier(0)], [], [], RULE)[0].alert
    changes = group([outlier(1)], [stored(first, 7, state="closed")], [], RULE)
    assert [(c.kind, c.alert.alert_id) for c in changes] == [("opened", None)]


def test_a_mute_stores_the_alert_with_its_reason_and_tells_nobody_it_opened() -> None:
    mute = Mute("a", START, START + timedelta(hours=1), "maintenance")
    changes = group([outlier(5), outlier(5, "b")], [], [mute], RULE)
    assert [(c.alert.state, c.alert.suppressed_by, c.kind) for c in changes] == [
        ("suppressed", "maintenance", "suppressed"),
        ("open", None, "opened"),
    ]


def test_an_alert_waits_until_it_lasted_long_enough() -> None:
    rule = Rule(timedelta(minutes=30), timedelta(minutes=10), 0.01)
    waiting = group([outlier(0)], [], [], rule)[0]
    assert (waiting.kind, waiting.alert.state) == (None, "waiting")
    grown = group([outlier(12)], [stored(waiting.alert, 3)], [], rule)[0]
    assert (grown.kind, grown.alert.state, grown.alert.members) == ("opened", "open", 2)


def test_an_alert_waits_for_k_of_n_rows() -> None:
    waiting = group([outlier(0, settled=False)], [], [], RULE)[0]
    assert waiting.alert.state == "waiting"
    opened = group([outlier(1, settled=True)], [stored(waiting.alert, 3)], [], RULE)[0]
    assert opened.kind == "opened"


def test_replayed_history_is_stored_but_is_no_news() -> None:
    rule = Rule(timedelta(minutes=30), timedelta(0), 0.01, history_ends=START + timedelta(minutes=10))
    old, new = group([outlier(9), outlier(11)], [], [], rule)
    assert (old.alert.state, new.alert.state) == ("suppressed", "open")


def test_value_at_risk_adds_up_over_the_members() -> None:
    change = group([outlier(0, value=10.0), outlier(1, value=32.5)], [], [], RULE)[0]
    assert change.alert.value == 42.5


def test_severity_rises_with_each_factor_of_ten_below_the_cutoff() -> None:
    assert [severity(p, 0.01) for p in (0.01, 0.002, 0.0009, 0.00009, 0.000001, 0.0)] == [1, 1, 2, 3, 4, 4]


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["a", "b", None])), min_size=1, max_size=40))
def test_every_outlier_is_in_exactly_one_alert_whatever_their_order(
    places: list[tuple[int, str | None]],
) -> None:
    outliers = [outlier(minute, entity, n) for n, (minute, entity) in enumerate(places)]
    changes = group(outliers, [], [], RULE)
    members = sorted(o.reading_id for c in changes for o in c.new)
    assert members == list(range(len(outliers)))
    assert sum(c.alert.members for c in changes) == len(outliers)
    backwards = group(list(reversed(outliers)), [], [], RULE)
    assert sorted(c.alert.members for c in backwards) == sorted(c.alert.members for c in changes)


def test_an_alert_of_the_replay_that_goes_on_is_told_when_it_does() -> None:
    first = group([outlier(0, provisional=True)], [], [], RULE)[0].alert
    changes = group([outlier(5)], [stored(first, 7)], [], RULE)
    assert [(c.kind, c.alert.provisional) for c in changes] == [("confirmed", False)]


def test_what_is_muted_and_what_is_history_stay_apart_and_so_do_two_mutes() -> None:
    rule = Rule(timedelta(minutes=30), timedelta(0), 0.01, history_ends=START + timedelta(minutes=10))
    mutes = [
        Mute("a", START + timedelta(minutes=20), START + timedelta(minutes=30), "mute 1: works"),
        Mute("a", START + timedelta(minutes=30), START + timedelta(minutes=40), "mute 2: storm"),
    ]
    seen = [outlier(minute, reading_id=minute) for minute in (5, 8, 22, 25, 32)]
    causes = [(HISTORY, 2), ("mute 1: works", 2), ("mute 2: storm", 1)]
    changes = group(seen, [], mutes, rule)
    assert [(c.alert.suppressed_by, c.alert.members) for c in changes] == causes
    kept = [stored(c.alert, n) for n, c in enumerate(changes)]
    again = group([outlier(9, reading_id=9), outlier(23, reading_id=23)], kept, mutes, rule)
    assert [(c.alert.alert_id, c.alert.suppressed_by) for c in again] == [(0, HISTORY), (1, "mute 1: works")]
