"""A row's past is what was known of its entity when it arrived, however the rows are cut and whatever comes later."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.features import history as module
from monitor.features.base import ARRIVED, REPLACED
from monitor.features.history import CONTEXT, LEAST, ROWS, SPANS, History, depth
from monitor.features.remembered import RememberedField

START = pd.Timestamp("2026-03-01", tz="UTC")
PAST = History("card", "at", ("amount",), ("move",), ("payee",), "amount", rows=4)
FEW = settings(max_examples=20)


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 7)
        yield


def stream(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Rows in order of arrival, each with a number of its own; the last cell says which earlier one it corrects."""
    frame = pd.DataFrame(rows, columns=["card", "hours", "amount", "move", "payee", "corrects"])
    frame["at"] = START + pd.to_timedelta(frame["hours"], unit="h")
    frame[ARRIVED] = np.arange(100, 100 + len(frame))
    replaced = np.full(len(frame), np.nan)
    for place, back in enumerate(frame["corrects"]):
        if 0 < back <= place and np.isnan(replaced[place - back]):
            replaced[place - back] = 100 + place
    return frame.assign(**{REPLACED: replaced}).drop(columns=["hours", "corrects"])


def row(
    hours: float, amount: float = 10.0, payee: str | None = "shop", card: str | None = "a"
) -> tuple[Any, ...]:
    return card, hours, amount, 0.0, payee, 0


ANY = st.tuples(
    st.sampled_from(["a", "a", "b", None]),
    st.sampled_from([0, 0, 1, 5, 23, 24, 30, 200, 800]),
    st.sampled_from([0.0, 1.0, 5.0, 80.0, np.nan]),
    st.sampled_from([-3.0, 0.0, 2.0, np.nan]),
    st.sampled_from(["x", "y", "z", None]),
    st.sampled_from([0, 0, 0, 1, 3]),
)
STREAMS = st.lists(ANY, min_size=1, max_size=10).map(stream)


def by_hand(frame: pd.DataFrame, place: int) -> dict[str, float]:
    """The definition, row by row."""
    own = frame.iloc[place]
    stood = frame[
        (frame["card"] == own["card"]) & (frame["at"] <= own["at"]) & (frame[ARRIVED] < own[ARRIVED])
    ]
    stood = stood[stood[REPLACED].isna() | (stood[REPLACED] > own[ARRIVED])]
    past = stood.sort_values(["at", ARRIVED]).tail(PAST.rows)
    found = dict.fromkeys(PAST.forms, np.nan)
    if past.empty:
        return found
    age = (own["at"] - past["at"]).dt.total_seconds()
    found["seconds since last"] = age.iloc[-1]
    for span, seconds in SPANS.items():
        found[f"rows in {span}"] = (age <= seconds).sum()
    found["amount in 24 h"] = past["amount"][age <= 86_400].sum()
    usual = past["amount"].median()
    found["amount over own median"] = own["amount"] / usual if usual > 0 else np.nan
    found["move less own median"] = own["move"] - past["move"].median()
    old = past[age > 86_400]
    if old.empty and len(past) == PAST.rows:
        old = past.iloc[: PAST.rows // 2]
    if len(old) and pd.notna(own["payee"]):
        found["new payee"] = float(own["payee"] not in set(old["payee"].dropna()))
    return found


@FEW
@given(STREAMS)
def test_the_columns_are_what_the_definition_says(frame: pd.DataFrame) -> None:
    expected = pd.DataFrame([by_hand(frame, place) for place in range(len(frame))], dtype="float64")
    pd.testing.assert_frame_equal(PAST.of(frame)[[*expected]], expected)


@FEW
@given(STREAMS, st.lists(st.integers(1, 13)))
def test_any_cut_of_the_stream_gives_the_columns_of_one_pass(frame: pd.DataFrame, cuts: list[int]) -> None:
    bounds = sorted({0, len(frame), *(cut for cut in cuts if cut < len(frame))})
    parts = [PAST.of(frame.iloc[start:end], frame.iloc[:start]) for start, end in pairwise(bounds)]
    pd.testing.assert_frame_equal(pd.concat(parts), PAST.of(frame), check_exact=True)


@FEW
@given(STREAMS, st.integers(0, 13), st.randoms(use_true_random=False))
def test_nothing_that_arrives_later_changes_a_row(frame: pd.DataFrame, kept: int, draw: Any) -> None:
    kept = min(kept, len(frame) - 1)
    before, later = frame.iloc[: kept + 1], frame.iloc[kept + 1 :]
    altered = later.assign(
        amount=draw.choice([1e9, -1.0]), payee="w", at=START + pd.Timedelta(hours=draw.choice([0, 9]))
    )
    expected = PAST.of(
        before.assign(**{REPLACED: before[REPLACED].mask(before[REPLACED] > before[ARRIVED].max())})
    )
    pd.testing.assert_frame_equal(PAST.of(pd.concat([before, altered])).iloc[: len(before)], expected)


@FEW
@given(STREAMS)
def test_rows_in_any_order_have_the_same_past(frame: pd.DataFrame) -> None:
    mixed = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(PAST.of(mixed).loc[frame.index], PAST.of(frame), check_exact=True)


def test_without_an_earlier_row_everything_is_missing_and_no_nought_is_made_up() -> None:
    told = PAST.of(stream([row(0), row(5, card="b"), row(9, card=None), row(9, card=None)]))
    assert told.isna().all(axis=None)


def test_a_row_without_a_time_has_no_past_and_is_in_none() -> None:
    frame = stream([row(0), row(1), row(2)])
    frame["at"] = frame["at"].mask(frame.index == 1)
    told = PAST.of(frame)
    assert told.iloc[1].isna().all()
    assert told["seconds since last"][2] == 7200


def test_equal_times_are_told_apart_by_arrival() -> None:
    told = PAST.of(stream([row(1), row(1), row(1)]))
    assert told["rows in 1 h"].tolist()[1:] == [1, 2]
    assert told["seconds since last"].tolist()[1:] == [0, 0]


def test_a_late_row_sees_only_what_came_before_it_and_is_unseen_by_what_came_before() -> None:
    told = PAST.of(stream([row(0), row(4), row(2)]))
    assert told["seconds since last"].tolist()[1:] == [4 * 3600, 2 * 3600]
    assert told["rows in 24 h"].tolist()[1:] == [1, 1]


def test_a_row_that_was_corrected_counts_as_it_was_known() -> None:
    first, later = row(0, 10.0), row(3, 10.0)
    corrected = (*row(0, 1000.0)[:-1], 2)  # of the first, after the second came
    told = PAST.of(stream([first, later, corrected, row(4, 10.0)]))
    assert told["amount in 24 h"].tolist()[1] == 10
    assert told["amount in 24 h"].tolist()[3] == 1010
    assert told["rows in 24 h"].tolist()[3] == 2
    assert told.iloc[2].isna().all(), "a correction is no row before itself"


def test_a_payee_is_new_for_a_day() -> None:
    told = PAST.of(
        stream([row(0), row(30, payee="thief"), row(31, payee="thief"), row(32), row(60, payee="thief")])
    )
    assert told["new payee"].tolist()[1:] == [1, 1, 0, 0]


def test_frames_without_numbers_of_arrival_came_in_their_own_order() -> None:
    frame = stream([row(0), row(1), row(2)])
    plain = frame.drop(columns=[ARRIVED, REPLACED])
    pd.testing.assert_frame_equal(PAST.of(plain.iloc[1:], plain.iloc[:1]), PAST.of(frame).iloc[1:])


def test_chosen_rows_are_told_the_same_as_all() -> None:
    frame = stream([row(n, 1.0 + n, card="ab"[n % 2]) for n in range(20)])
    chosen = np.array([3, 17, 8])
    pd.testing.assert_frame_equal(PAST.of(frame, rows=chosen), PAST.of(frame).iloc[chosen], check_exact=True)


def test_what_is_beyond_all_floats_is_the_largest_and_no_missing_history() -> None:
    largest = np.finfo(np.float64).max
    cells = [  # card, hours, amount, move
        ("a", 0, 1e308, -1e308), ("a", 1, 1.5e308, -1.5e308), ("a", 2, 1e308, 1.5e308),
        ("b", 0, 1e-300, 0.0), ("b", 1, 1e308, 0.0),
        *(("c", n, amount, 0.0) for n, amount in enumerate([1.5e308, 1.5e308, -1.5e308, -1.5e308, 1.0])),
    ]  # fmt: skip
    told = PAST.of(stream([(card, hours, amount, move, "x", 0) for card, hours, amount, move in cells]))
    assert told["amount over own median"][2] == pytest.approx(0.8)
    assert told["amount over own median"][4] == largest
    assert told["move less own median"][2] == largest
    assert told["amount in 24 h"][2] == largest
    assert told["amount in 24 h"][9] == 0.0
    field = RememberedField.fit("x", "amount", pd.Series([largest, -largest, 1.0, 2.0]))
    assert np.isfinite([field.mean, field.std, field.low, field.high]).all()
    assert np.isfinite(field.encode(pd.Series([largest, -largest]))).all()


def test_the_document_restores_the_same_history() -> None:
    assert History.restore(PAST.document()) == PAST


def test_fewer_rows_of_each_are_looked_at_where_entities_are_many() -> None:
    assert depth(pd.Series(range(10))) == ROWS
    assert depth(pd.Series(range(CONTEXT // 40))) == 40
    assert depth(pd.Series(range(CONTEXT // 5))) == LEAST
