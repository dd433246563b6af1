"""Samples in time: ordered, cut at gaps, filled without a look ahead."""

import json

import numpy as np
import pandas as pd
import pytest

from monitor.domain.errors import MonitorError
from monitor.features import Columns, Windows

COLUMNS = Columns(time="time", entity="machine")


def series(rows: int = 120, machine: str = "a") -> pd.DataFrame:
    rng = np.random.default_rng(len(machine))
    return pd.DataFrame(
        {
            "time": pd.date_range("2026-01-01", periods=rows, freq="1min", tz="UTC"),
            "machine": machine,
            "heat": np.sin(np.arange(rows) / 5) + rng.normal(0, 0.1, rows),
            "load": rng.normal(5, 1, rows),
        }
    )


def test_no_window_reaches_across_a_gap_or_into_another_entity() -> None:
    gap = series(120).drop(index=range(50, 80))
    frame = pd.concat([gap, series(60, "b")], ignore_index=True)
    line = Windows.fit(frame, COLUMNS).timeline(frame)
    assert sorted(set(line.first)) == [0, 50, 90]
    places = line.places(np.arange(len(frame)))
    assert (line.first[places] == line.first[:, None]).all()


def test_rows_come_in_any_order_and_stand_in_time() -> None:
    frame = series()
    mixed = frame.sample(frac=1, random_state=1)
    features = Windows.fit(frame, COLUMNS)
    assert np.array_equal(features.timeline(mixed).z, features.timeline(frame).z)
    assert np.array_equal(mixed.index[features.timeline(mixed).rows], frame.index)


def test_a_row_is_ready_once_its_whole_window_is_there() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    ready = features.timeline(frame).ready
    assert (~ready[: features.steps - 1]).all()
    assert ready[features.steps - 1 :].all()
    assert features.timeline(frame[60:], context=frame[:60]).ready[60:].all()


def test_missing_cells_take_the_last_value_but_never_a_later_one() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    z = features.timeline(frame).z
    holes = frame.assign(heat=frame["heat"].mask(frame.index.isin([0, 10, 11])))
    line = features.timeline(holes)
    assert line.z[0, 0] == 0
    assert line.z[10, 0] == line.z[11, 0] == z[9, 0]
    assert line.missing[:, 0].sum() == 3


def test_a_value_too_old_is_not_carried_further() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    line = features.timeline(frame.assign(heat=frame["heat"].where(frame.index < 10)))
    assert line.z[59, 0] != 0
    assert (line.z[60:, 0] == 0).all()


def test_bad_samples_and_bad_times_never_give_a_nan_out() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    bad = frame.assign(heat=[np.inf, "x", None] * 40, time=frame["time"].mask(frame.index == 7))
    assert np.isfinite(features.timeline(bad).z).all()


def test_naive_times_are_taken_as_utc_and_texts_are_read() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    text = frame.assign(time=frame["time"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    assert np.array_equal(features.timeline(text).first, features.timeline(frame).first)


def test_a_field_without_numbers_is_refused() -> None:
    assert list(Windows.fit(series().assign(note="x"), COLUMNS).refused) == ["note"]


def test_a_series_without_a_time_is_an_error() -> None:
    with pytest.raises(MonitorError, match="time"):
        Windows.fit(series(), Columns())


def test_the_document_restores_the_same_features() -> None:
    frame = series()
    features = Windows.fit(frame, COLUMNS)
    again = Windows.restore(json.loads(json.dumps(features.document())))
    assert np.array_equal(again.timeline(frame).z, features.timeline(frame).z)
    assert again.context_rows == features.context_rows
