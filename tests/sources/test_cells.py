"""Each type's judgement of a cell."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.quality.cells import booleans, categories, integers, numbers, times
from monitor.sources.quality.times import localise


@pytest.mark.parametrize(
    "cell", ["1,5", "inf", "-Infinity", "1e308", "1e999", "abc", "1_000", "0x10", "1.2.3", "١٢"]
)
def test_what_is_no_usable_number_is_bad(cell: str) -> None:
    judged = numbers(pd.Series(["1.5", cell, ""], dtype="str"))
    assert (judged.bad.tolist(), judged.values[0]) == ([False, True, False], 1.5)


@pytest.mark.parametrize("cell", ["", " ", "NA", "nan", "NaN", "null", "None", None, np.nan])
def test_a_missing_number_is_missing_and_not_bad(cell: Any) -> None:
    judged = numbers(pd.Series(["2", cell], dtype="str"))
    assert (judged.bad.tolist(), np.isnan(judged.values[1])) == ([False, False], True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, 2], [1.0, 2.0]),
        ([Decimal("1.25"), None], [1.25, np.nan]),
        ([1, "2", None, 3.5], [1.0, 2.0, np.nan, 3.5]),
        ([2**70, 1], [float(2**70), 1.0]),
        (pd.array([1, None], dtype="Int64"), [1.0, np.nan]),
    ],
)
def test_numbers_come_in_any_dress(cells: Any, expected: list[float]) -> None:
    judged = numbers(pd.Series(cells))
    np.testing.assert_array_equal(judged.values, expected)
    assert not judged.bad.any()


@pytest.mark.parametrize("cells", [[True, False], [np.inf, 1.0], [b"1", b"x"], [[1], [2]]])
def test_what_only_looks_like_a_number_is_bad(cells: list[Any]) -> None:
    assert numbers(pd.Series(cells)).bad.any()


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-3e38, max_value=3e38), min_size=1)
)
def test_a_number_is_the_same_from_text_and_from_float(values: list[float]) -> None:
    text = numbers(pd.Series([repr(v) for v in values], dtype="str"))
    assert text.values.tolist() == numbers(pd.Series(values)).values.tolist() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1))
def test_whole_numbers_are_exact_from_any_source(values: list[int | None]) -> None:
    text = pd.Series(["" if v is None else str(v) for v in values], dtype="str")
    for column in (text, pd.Series(values, dtype=object), pd.Series(pd.array(values, dtype="Int64"))):
        judged = integers(column)
        assert ([None if v is pd.NA else v for v in judged.values], judged.bad.any()) == (values, False)


@pytest.mark.parametrize("cell", ["7.5", "9223372036854775808", "99999999999999999999", "1e3", "seven"])
def test_what_is_no_whole_number_of_64_bits_is_bad(cell: str) -> None:
    judged = integers(pd.Series(["7.0", cell], dtype="str"))
    assert (judged.values[0], judged.bad.tolist()) == (7, [False, True])


def test_truth_has_several_spellings() -> None:
    judged = booleans(pd.Series(["TRUE", "no", "1", "0", "", "maybe"], dtype="str"))
    assert judged.values.tolist()[:4] == [True, False, True, False]
    assert judged.bad.tolist() == [False] * 5 + [True]


def test_text_with_nul_or_without_measure_is_bad() -> None:
    judged = categories(pd.Series(["a", "a\0b", "x" * 2000, "", "\udcff"], dtype=object))
    assert judged.bad.tolist() == [False, True, True, False, True]


def test_a_category_is_the_same_from_number_and_text() -> None:
    for cells in ([7, 8], [7.0, 8.0], ["7", "8"], [Decimal(7), Decimal(8)]):
        assert categories(pd.Series(cells)).values.tolist() == ["7", "8"]


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-29T01:30:00", "2026-03-29 00:30"),
        ("2026-03-29T02:30:00", "2026-03-29 01:30"),  # not there; 03:30 by the new clock
        ("2026-03-29T03:30:00", "2026-03-29 01:30"),
        ("2026-10-25T02:30:00", "2026-10-25 00:30"),  # there twice; the first is meant
        ("2026-10-25T02:30:00+01:00", "2026-10-25 01:30"),
        ("2026-10-25T00:30:00Z", "2026-10-25 00:30"),
        ("2026-01-01 00:00:00.123456+05:30", "2025-12-31 18:30:00.123456"),
        ("2026-01-01 00:00:00+05", "2025-12-31 19:00"),
        ("2026-07-01", "2026-06-30 22:00"),
        ("01.07.2026 12:00", "2026-07-01 10:00"),
        ("2026/07/01 12:00:00", "2026-07-01 10:00"),
        (" 2026-07-01 12:00 ", "2026-07-01 10:00"),
    ],
)
def test_times_are_read_in_their_zone(text: str, utc: str) -> None:
    alone = times(pd.Series([text], dtype="str"), BERLIN)
    mixed = times(pd.Series([text, "2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "x"], dtype="str"), BERLIN)
    assert alone.values[0] == mixed.values[0] == pd.Timestamp(utc, tz="UTC")
    assert mixed.bad.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31 23:59:59", "13.13.2026", "03/04/2026", "noon", "12345", "infinity"]
)
def test_what_is_no_plausible_time_is_bad(text: str) -> None:
    assert times(pd.Series(["2026-01-01", text, ""], dtype="str"), "UTC").bad.tolist() == [False, True, False]


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_numbers_count_from_1970_in_the_unit_their_size_tells(factor: int) -> None:
    judged = times(pd.Series([1_790_000_000 * factor, 17]), "UTC")
    assert (judged.values[0], judged.bad.tolist()) == (
        pd.Timestamp(1_790_000_000, unit="s", tz="UTC"),
        [False, True],
    )


@pytest.mark.parametrize(
    "cells",
    [
        [datetime(2026, 7, 1, 12, tzinfo=UTC), None],
        [datetime(2026, 7, 1, 14), None],  # noqa: DTZ001  naive is what is tested
        [pd.Timestamp("2026-07-01 14:00", tz=BERLIN), pd.NaT],
        [datetime(2026, 7, 1, 12, tzinfo=UTC), "nothing"],
    ],
)
def test_times_may_be_typed_already(cells: list[Any]) -> None:
    assert times(pd.Series(cells), BERLIN).values[0] == pd.Timestamp("2026-07-01 12:00", tz="UTC")


def test_dates_are_midnight_in_the_zone() -> None:
    assert times(pd.Series([date(2026, 7, 1)]), BERLIN).values[0] == pd.Timestamp(
        "2026-06-30 22:00", tz="UTC"
    )


NAIVE = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  naive is what is tested


@given(
    NAIVE,
    st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata"]),
)
def test_local_times_agree_with_the_standard_library(when: datetime, zone: str) -> None:
    expected = when.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)  # fold 0, and gaps by the offset before
    got = localise(pd.Series([when]).astype("datetime64[us]"), zone)[0].to_pydatetime()
    assert abs(got - expected) <= timedelta(0)
