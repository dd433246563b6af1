from monitor.domain.monitor import Alerts, Fields
from monitor.domain.policy import MOST, SINCE, cutoff, outside, per_day, stands


def test_a_budget_is_spent_over_the_rows_of_a_day() -> None:
    assert cutoff(Alerts(budget=20), 10_000, []) == 0.002


def test_a_budget_flags_nothing_while_the_rate_is_unknown() -> None:
    assert cutoff(Alerts(budget=20), 0, [0.0001]) == 0.0


def test_no_budget_flags_rows_that_one_normal_row_in_twenty_is_as_odd_as() -> None:
    assert cutoff(Alerts(budget=20), 10, []) == MOST


def test_false_discovery_rate_takes_the_largest_p_that_the_step_up_rule_allows() -> None:
    assert cutoff(Alerts(fdr=0.1), 0, [0.001, 0.02, 0.04, 0.9]) == 0.04
    assert cutoff(Alerts(fdr=0.1), 0, [0.5, 0.9]) == 0.0


def test_a_fixed_level_is_taken_as_it_is() -> None:
    assert cutoff(Alerts(p_value=0.0001), 5, []) == 0.0001
    assert per_day(Alerts(p_value=0.0001), 10_000) == 1.0


def test_direction_and_floor_look_at_the_strongest_field() -> None:
    up = [{"field": "flow", "actual": 12.0, "expected": 10.0}]
    assert stands(up, Alerts(direction="up"))
    assert not stands(up, Alerts(direction="down"))
    assert not stands(up, Alerts(floor={"flow": 3.0}))


BURST = [
    {"field": SINCE, "actual": 5.0, "expected": 9_000.0, "derived": True},
    {"field": "new payee", "actual": True, "expected": False, "derived": True},
    {"field": "rows in 1 h", "actual": 20.0, "expected": 2.0, "derived": True},
    {"field": "amount", "actual": 90.0, "expected": 100.0, "derived": False},
    {"field": "load", "actual": 1.0, "expected": 2.0, "derived": False},
]


def test_a_burst_goes_up_though_the_time_since_the_last_row_falls() -> None:
    assert stands(BURST, Alerts(direction="up"))
    assert not stands(BURST, Alerts(direction="down"))
    own = [{"field": SINCE, "actual": 5.0, "expected": 9_000.0}, *BURST[2:]]
    assert not stands(own, Alerts(direction="up")), "a column of the source of that name is a number as any"


def test_a_floor_looks_past_what_is_derived_to_the_strongest_column_of_the_source() -> None:
    assert stands(BURST, Alerts(floor={"amount": 10.0}))
    assert not stands(BURST, Alerts(floor={"amount": 900.0}))
    assert stands(BURST, Alerts(floor={"load": 900.0})), "it is not the strongest"


def test_a_truth_has_no_direction_and_no_floor() -> None:
    truth = {"field": "night", "actual": False, "expected": True}
    assert stands([truth], Alerts(direction="up"))
    assert stands([truth], Alerts(floor={"night": 2.0}))
    higher = [truth, {"field": "amount", "actual": 9.0, "expected": 1.0}]
    assert stands(higher, Alerts(direction="up"))
    assert not stands(higher, Alerts(floor={"amount": 50.0}))


def test_a_row_whose_strongest_column_is_no_number_stands() -> None:
    told = [
        {"field": "payee", "actual": "w", "expected": "x"},
        {"field": "load", "actual": 1.0, "expected": 2.0},
    ]
    assert stands(told, Alerts(direction="up"))


def test_a_field_outside_its_range_is_named() -> None:
    fields = Fields(range={"amount": (0, None), "rate": (None, 1)})
    assert outside({"amount": -1.0, "rate": 2.0}, fields) == ["amount", "rate"]
    assert outside({"amount": float("nan"), "rate": 0.5}, fields) == []
