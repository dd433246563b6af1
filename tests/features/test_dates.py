"""Dates as points on circles: what is near in the day or the week is near, and a missing date says something."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.features.dates import DateField

OFFICE = pd.Series(pd.date_range("2026-01-05", periods=24 * 70, freq="1h", tz="UTC"))
OFFICE = OFFICE[OFFICE.dt.day_of_week.lt(5) & OFFICE.dt.hour.between(8, 17)]


def columns(field: DateField, *cells: object) -> np.ndarray:
    return field.encode(pd.Series(cells, dtype=object))


def test_sunday_night_is_near_to_monday_morning_and_far_from_noon() -> None:
    field = DateField.fit("at", pd.Series(pd.date_range("2026-01-05", periods=24 * 70, freq="1h", tz="UTC")))
    night, morning, noon = columns(
        field, "2026-03-01T23:59:00Z", "2026-03-01T00:01:00Z", "2026-03-01T12:00:00Z"
    )
    assert np.abs(night - morning)[:2].max() < 0.1
    assert np.abs(night - noon)[:2].max() > 1


def test_a_weekend_is_far_from_office_days_whatever_the_year() -> None:
    field = DateField.fit("at", OFFICE)
    weekday, later, weekend = columns(
        field, "2026-03-02T10:00:00Z", "2031-03-03T10:00:00Z", "2026-03-01T10:00:00Z"
    )
    assert np.abs(weekday - later).max() < 1e-3
    assert np.abs(weekday - weekend).max() > 1


def test_a_date_missing_for_the_first_time_counts_three_deviations_and_one_often_missing_hardly() -> None:
    assert columns(DateField.fit("at", OFFICE), None)[0, -1] == pytest.approx(3)
    half = OFFICE.where(np.arange(len(OFFICE)) % 2 == 0)
    assert abs(columns(DateField.fit("at", half), None)[0, -1]) == pytest.approx(1, abs=0.01)
    once = OFFICE.where(np.arange(len(OFFICE)) != 7)
    assert columns(DateField.fit("at", once), None)[0, -1] <= 3


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.datetimes().map(str), st.text(max_size=4), st.integers()), min_size=1)
)
def test_whatever_stands_in_a_column_its_numbers_are_finite(cells: list[object]) -> None:
    field = DateField.fit("at", OFFICE)
    z = columns(field, *cells, "0001-01-01", "9999-12-31T23:59:59Z", "2026-02-30", 10**400, 1.7e9)
    assert np.isfinite(z).all()
    again = DateField.restore(json.loads(json.dumps(field.document())))
    assert np.array_equal(columns(again, *cells), z[: len(cells)])
