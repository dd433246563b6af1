"""Numbers of any scale, with holes and absurd values, and what a reconstruction means in a field's own units."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.features import Columns, Tabular
from monitor.features.numbers import NumberField


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_an_expected_value_carries_no_noise_of_single_precision(unit: float) -> None:
    values = pd.Series(np.random.default_rng(0).normal(0.37, 38, 1_000)) * unit
    field = NumberField.fit("f4", values)
    z = np.array([-field.mean / field.std], dtype=np.float32)  # stands for 0
    assert field.expected(z) == 0


def test_an_expected_value_keeps_what_single_precision_knows() -> None:
    field = NumberField.fit("f4", pd.Series([0.0, 100.0] * 50))
    assert field.expected(np.array([0.12345], dtype=np.float32)) == pytest.approx(
        50 + 0.12345 * field.std, abs=1e-4
    )


def odd(field: NumberField, *values: object) -> list[float]:
    """How far from usual each value is: the largest of its columns."""
    return [float(row) for row in np.abs(field.encode(pd.Series(values, dtype=object))).max(1)]


def test_a_value_missing_for_the_first_time_lies_outside_of_all_that_training_knew() -> None:
    for values in (np.random.default_rng(0).lognormal(3, 2, 500), np.ones(50), np.arange(60) % 2):
        field = NumberField.fit("x", pd.Series(values))
        seen, missing = field.encode(pd.Series(values)), field.encode(pd.Series([None]))
        assert np.abs(seen - missing).min() >= 3 - 1e-6
        assert odd(field, None)[0] < 6


def test_a_value_that_is_there_for_the_first_time_counts_too() -> None:
    assert odd(NumberField.fit("x", pd.Series([None] * 40, dtype=object)), None, 5) == [0, 3]


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.3, 0.5, 0.9])
def test_the_rarer_a_missing_value_was_the_odder_it_is_but_never_odder_than_one_that_never_was(
    share: float,
) -> None:
    values = pd.Series(np.random.default_rng(0).normal(size=10_000))
    values[: round(share * 10_000)] = np.nan
    missing, present = NumberField.fit("x", values).encode(pd.Series([None, 0.0], dtype=object))[:, 1]
    assert missing - present <= 3
    assert missing <= 3
    assert share < 0.5 or missing <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=3)), min_size=1
    ),
    st.sampled_from([1e-9, 1.0, 1e12]),
)
def test_whatever_stands_in_a_column_its_numbers_are_finite(values: list[object], unit: float) -> None:
    scaled = [value * unit if isinstance(value, float) else value for value in values]
    field = NumberField.fit("x", pd.Series(scaled, dtype=object))
    again = NumberField.restore(json.loads(json.dumps(field.document())))
    for asked in (scaled, [np.inf, -np.inf, 10**400, 1e308, None, "x"]):
        z = field.encode(pd.Series(asked, dtype=object))
        assert np.isfinite(z).all()
        assert np.array_equal(again.encode(pd.Series(asked, dtype=object)), z)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e12])
def test_a_field_varies_whatever_its_unit(unit: float) -> None:
    values = np.random.default_rng(0).normal(100, 1, 500) * unit
    assert odd(NumberField.fit("x", pd.Series(values)), 110 * unit)[0] == pytest.approx(10, rel=0.1)


def test_tens_among_a_million_millions_are_variation_and_rounding_is_not() -> None:
    assert NumberField.fit("x", pd.Series(1e12 + np.arange(60) % 7 * 10.0)).std > 10
    assert NumberField.fit("x", pd.Series([0.1 + 0.2, 0.3] * 30)).std == 0


def test_one_absurd_value_does_not_blind_a_field() -> None:
    usual = np.random.default_rng(0).normal(100, 10, 2_000)
    field = NumberField.fit("x", pd.Series(np.r_[usual, 1e12]))
    assert 10 < odd(field, 500.0)[0] < 40
    rare = np.where(np.arange(2_000) % 50 == 0, usual, 0.0)
    assert odd(NumberField.fit("x", pd.Series(np.r_[rare, -1e15])), 5_000.0)[0] > 10


def test_heavy_tails_are_no_absurd_values() -> None:
    values = np.random.default_rng(0).lognormal(0, 1, 5_000)
    assert NumberField.fit("x", pd.Series(values)).std == pytest.approx(values.std(), rel=1e-6)


@pytest.mark.parametrize("words", [("true", "false"), ("TRUE", "FALSE"), ("True", " false "), (True, False)])
def test_booleans_are_read_in_any_case_whatever_type_they_come_in(words: tuple[object, object]) -> None:
    trained = Tabular.fit(pd.DataFrame({"x": [True, False, False] * 20}), Columns())
    asked = pd.DataFrame({"x": pd.Series(words, dtype=object)})
    assert np.array_equal(trained.transform(asked), trained.transform(pd.DataFrame({"x": [True, False]})))
    text = Tabular.fit(pd.DataFrame({"x": pd.Series(words * 30, dtype=object)}), Columns())
    assert text.encoders[0].kind == "boolean"


def test_whole_numbers_beyond_64_bits_are_numbers() -> None:
    field = NumberField.fit("x", pd.Series([10**30, 2 * 10**30] * 30, dtype=object))
    assert odd(field, 10**30, 2 * 10**30, 10**31) == pytest.approx([1, 1, 17], rel=1e-4)


def test_a_bundle_of_before_scores_as_it_did() -> None:
    old = {
        "encoder": "number",
        "name": "x",
        "kind": "number",
        "mean": 0.0,
        "std": 1.0,
        "low": None,
        "high": None,
    }
    assert odd(NumberField.restore({**old, "missing": 0.0}), None) == [3]
    assert odd(NumberField.restore({**old, "missing": 0.01}), None)[0] == pytest.approx(
        0.99 / np.sqrt(0.0099)
    )
