"""Categories of any number of levels: what is rare is odd, what is new is as odd as new levels are rare."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import Detector
from monitor.features.categories import MISSING, CategoryField, as_levels

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(float("nan"))
)


def rarity(field: CategoryField, *levels: object) -> list[float]:
    return [float(each) for each in field.encode(pd.Series(levels, dtype=object))[:, -1]]


@settings(max_examples=30, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=40), st.lists(CELLS, min_size=1, max_size=10))
def test_whatever_the_levels_numbers_are_finite_and_a_rarer_level_is_never_less_odd(
    known: list[object], new: list[object]
) -> None:
    field = CategoryField.fit("x", pd.Series(known, dtype=object))
    z = field.encode(pd.Series(new, dtype=object))
    assert z.shape == (len(new), field.width)
    assert np.isfinite(z).all()
    levels = [*field.counts, "never seen before"]
    assert (np.diff(rarity(field, *levels)) >= 0).all()
    # as a bundle keeps it
    again = CategoryField.restore(json.loads(json.dumps(field.document(), sort_keys=True)))
    assert np.array_equal(again.encode(pd.Series(new, dtype=object)), z)


def test_one_value_read_as_number_or_text_is_one_level() -> None:
    assert as_levels(pd.Series([1, 1.0, "1", None], dtype=object)).tolist() == ["1", "1", "1", MISSING]


def test_a_new_level_is_as_odd_as_new_levels_are_rare() -> None:
    rng = np.random.default_rng(0)
    closed = pd.Series(rng.choice(["DE", "FR", "ES", "IT"], 2_000))
    often_new = pd.Series([f"shop {n}" if n % 5 == 0 else "shop" for n in range(2_000)])
    assert rarity(CategoryField.fit("x", closed), "XX")[0] > 6
    assert rarity(CategoryField.fit("x", often_new), "shop of today")[0] < 3


def test_how_often_balanced_levels_happened_to_occur_says_nothing() -> None:
    field = CategoryField.fit("x", pd.Series(["a"] * 5_010 + ["b"] * 4_990))
    seen = rarity(field, "a", "b")
    assert max(map(abs, seen)) < 0.1
    assert 5 < rarity(field, "c")[0] < 20


def test_an_unseen_level_beside_a_single_one_counts_but_not_without_bound() -> None:
    field = CategoryField.fit("x", pd.Series(["same"] * 100_000))
    assert rarity(field, "same") == pytest.approx([0], abs=1e-3)
    assert 3 <= rarity(field, "other")[0] < 20


def test_a_million_levels_fit_and_say_that_they_cannot_all_be_told() -> None:
    some = np.random.default_rng(0).integers(0, 10**6, 100_000)
    values = pd.Series(np.r_[some, np.arange(200_000) + 10**7, np.full(1_000, 5)]).astype(str)
    field = CategoryField.fit("device", values)
    assert len(json.dumps(field.document())) < 200_000
    assert field.width <= 34
    assert field.actual("5") == "5"
    assert field.actual("10000001") == "10000001 (rare or unseen)"
    assert rarity(field, "5")[0] < rarity(field, "10000001")[0] == rarity(field, "nowhere")[0] < 1


def test_levels_that_occur_equally_often_are_all_counted_or_none() -> None:
    field = CategoryField.fit("x", pd.Series([f"{n}" for n in range(20_000)] * 2 + ["often"] * 9))
    assert list(field.counts) == ["often"]
    assert len(set(rarity(field, "0", "9999", "19999"))) == 1


def test_long_texts_do_not_swell_the_document() -> None:
    field = CategoryField.fit("x", pd.Series(["a" * 1_000_000, "b", "b"]))
    assert len(json.dumps(field.document())) < 1_000
    assert rarity(field, "a" * 1_000_000) == rarity(field, "a" * 999_999)


def test_a_bundle_of_before_scores_as_it_did() -> None:
    old = {"encoder": "category", "name": "x", "counts": {"a": 10}, "levels": 1, "rows": 10}
    single = CategoryField.restore({**old, "rarity": (-np.log(10.5 / 11), 0.0)})
    assert rarity(single, "a", "b") == pytest.approx([0, 3], abs=1e-6)


def test_what_a_row_is_expected_to_be_may_be_none_of_the_frequent_levels() -> None:
    values = pd.Series(["often"] * 20 + [f"shop {n}" for n in range(980)])
    field = CategoryField.fit("x", values)
    assert field.expected(np.zeros(field.width)) == "(another)"
    assert field.expected(field.encode(pd.Series(["often"]))[0]) == "often"


def test_a_level_that_was_never_seen_alarms_and_new_names_among_ever_new_names_do_not() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "country": rng.choice(["DE", "FR", "ES"], 600, p=[0.6, 0.3, 0.1]),
            "shop": [f"shop {n}" if n % 4 == 0 else f"shop {n % 7}" for n in range(600)],
            "amount": rng.gamma(2, 30, 600),
        }
    )
    detector = Detector(objective="vanilla").fit(frame)
    usual = frame.head(40)
    p = {
        name: detector.score(rows, shares=False)["p_value"].median()
        for name, rows in (
            ("usual", usual),
            ("new shop", usual.assign(shop=[f"shop of {n}" for n in range(40)])),
            ("new country", usual.assign(country="XX")),
        )
    }
    assert p["new country"] < 0.01 < p["new shop"]
