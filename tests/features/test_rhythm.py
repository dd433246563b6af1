"""How often samples come decides what is a gap and for how long a value stands."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.features import Columns, Windows
from monitor.features.rhythm import FILLED, carried, last_known, longest_step, rhythm, segments

COLUMNS = Columns(time="time")


def machine(rows: int) -> np.ndarray:
    return np.zeros(rows, np.int64)


def seen(*every: int, rows: int = 1_200) -> pd.DataFrame:
    """A row a minute; each field has a value every so many rows."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2026-01-05", periods=rows, freq="1min", tz="UTC")
    at = np.arange(rows)
    return pd.DataFrame(
        {"time": times} | {f"every{n}": np.where(at % n == 0, rng.normal(5, 1, rows), np.nan) for n in every}
    )


def test_samples_in_bursts_are_one_series_and_a_night_off_is_a_gap() -> None:
    bursts = np.add.outer(np.arange(50) * 600.0, np.arange(12)).ravel()
    assert longest_step(machine(len(bursts)), bursts) > 600
    shifts = np.add.outer(np.arange(20) * 86_400.0, np.arange(480) * 60.0).ravel()
    assert longest_step(machine(len(shifts)), shifts) == 600
    assert len(set(segments(machine(len(shifts)), shifts, 600.0))) == 20


def test_steps_of_many_lengths_below_ten_usual_ones_leave_the_gap_as_it_is() -> None:
    steps = np.tile([1.0, 1.0, 1.0, 9.0], 100)
    assert longest_step(machine(400), np.cumsum(steps)) == 10


def test_a_regular_series_has_a_gap_after_ten_steps_and_a_single_row_none() -> None:
    assert longest_step(machine(100), np.arange(100) * 5.0) == 50
    assert longest_step(machine(1), np.zeros(1)) == np.inf


def test_a_value_stands_for_twice_the_time_until_the_next_but_never_for_ever() -> None:
    frame = seen(1, 3, 60, 1_000, rows=4_000)
    missing = frame.drop(columns="time").isna().to_numpy()
    limits, seldom = rhythm(missing, np.zeros(len(frame), np.int64))
    assert limits == [FILLED, FILLED, 120, 1_500]
    assert seldom == [False, True, True, True]


def test_a_field_that_is_missing_now_and_then_does_not_come_seldom() -> None:
    holes = np.random.default_rng(0).random((2_000, 1)) < 0.3
    assert rhythm(holes, np.zeros(2_000, np.int64)) == ([FILLED], [False])


def test_a_field_each_hour_among_fields_each_minute_keeps_its_level_until_the_next_value() -> None:
    frame = seen(1, 60)
    features = Windows.fit(frame, COLUMNS)
    line = features.timeline(frame)
    assert (line.level[60:120, 1] == line.level[60, 1]).all()
    assert (line.z[60:120, 1] == line.z[60, 1]).all()
    assert line.missing[61:120, 1].all()
    assert not line.unknown[:, 1].any()
    silent = features.timeline(frame.assign(every60=frame["every60"].where(frame.index < 600)))
    assert not silent.unknown[:660, 1].any()
    assert silent.unknown[661:, 1].all()
    assert (silent.level[661:, 1] == 0).all()


def test_the_context_reaches_back_as_far_as_a_value_stands() -> None:
    frame = seen(1, 60)
    features = Windows.fit(frame, COLUMNS)
    assert features.context_rows == Windows.fit(seen(1), COLUMNS).context_rows + 120 - FILLED
    whole = features.timeline(frame)
    part = features.timeline(frame[900:], frame[900 - features.context_rows : 900])
    assert np.array_equal(part.level[-300:], whole.level[-300:])
    assert np.array_equal(part.z[-300:], whole.z[-300:])


def test_features_of_before_fill_as_they_did() -> None:
    frame = seen(1, 60)
    document = Windows.fit(frame, COLUMNS).document()
    old = Windows.restore({name: each for name, each in document.items() if name not in ("filled", "seldom")})
    line = old.timeline(frame)
    assert np.array_equal(line.unknown, line.missing)
    assert (line.z[60 + FILLED + 1 : 120, 1] == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=1, max_size=60), st.integers(1, 20))
def test_no_cell_takes_a_later_value_or_one_of_another_segment_or_one_too_old(
    holes: list[list[bool]], limit: int
) -> None:
    missing = np.array(holes)
    first = np.arange(len(missing)) // 7 * 7
    last = last_known(missing, first, np.full(2, limit))
    at = np.arange(len(missing))[:, None]
    assert ((last == -1) | ((last <= at) & (last >= first[:, None]) & (at - last <= limit))).all()
    assert np.array_equal(last == at, ~missing)
    values = np.where(missing, np.nan, at + 1.0).astype(np.float32)
    assert np.array_equal(carried(values, last), np.where(last >= 0, last + 1, 0))


@pytest.mark.parametrize("frame", [seen(1, 60), seen(1)])
def test_the_document_restores_the_same_features(frame: pd.DataFrame) -> None:
    features = Windows.fit(frame, COLUMNS)
    again = Windows.restore(json.loads(json.dumps(features.document())))
    assert np.array_equal(again.timeline(frame).level, features.timeline(frame).level)
    assert again.context_rows == features.context_rows
