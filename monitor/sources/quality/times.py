"""Times as sources write them, as aware UTC.

A time with an offset is taken at its word. One without is local time of the configured zone; where clocks go back, an
hour is there twice and its first passing is meant; where they go forward, an hour is missing and a time in it is read
with the offset before the change (02:30 becomes 03:30), so order and distances are kept. Numbers count seconds,
milliseconds, microseconds or nanoseconds since 1970, told apart by size.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from monitor.sources.quality.text import Mask, as_arrow, as_text, blank_as_null, mask

FIRST, LAST = pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
WITH_ZONE = r"\d:\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)$"
OTHER = ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"]
COUNT = r"^\d{9,19}(\.\d+)?$"  # since 1970, as text
PER_SECOND = [
    (1e8, 1e10, 1),
    (1e11, 1e13, 10**3),
    (1e14, 1e16, 10**6),
    (1e17, 1e19, 10**9),
]  # from, to, ticks
UTC: Any = "datetime64[us, UTC]"  # its stubs know no zones by name


def read_times(column: pd.Series, zone: str) -> tuple[pd.Series, Mask]:
    """(rows,) datetime64[us, UTC] and which cells are no plausible time; missing is neither.

    >>> read_times(pd.Series(["2026-03-29 02:30", "soon"]), "Europe/Berlin")[0].tolist()
    [Timestamp('2026-03-29 01:30:00+0000', tz='UTC'), NaT]
    """
    array = as_arrow(column)
    if array is not None and pa.types.is_timestamp(array.type):
        series = pd.Series(array.to_pandas())
        values = series.dt.tz_convert("UTC").astype(UTC) if array.type.tz else localise(series, zone)
        missing = mask(array.is_null())
    elif array is not None and (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        values, missing = _from_numbers(array), mask(array.is_null())
    else:
        text = blank_as_null(as_text(column), ["NaT", "None", "null", "NULL", "nan", "NaN", "NA"])
        values, missing = _from_text(text, zone), mask(text.is_null())
    values = values.where((values >= FIRST) & (values < LAST))
    return values, values.isna().to_numpy() & ~missing


def localise(naive: pd.Series, zone: str) -> pd.Series:
    """Local times of a zone as UTC, by the rule above."""
    near = naive.where((naive >= FIRST.tz_localize(None)) & (naive < LAST.tz_localize(None))).astype(
        "datetime64[us]"
    )
    first = np.ones(len(near), dtype=bool)
    local = near.dt.tz_localize(zone, ambiguous=first, nonexistent=timedelta(hours=1))
    return local.dt.tz_convert("UTC").astype(UTC)


def _from_numbers(array: pa.Array) -> pd.Series:
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    micros = np.full(len(values), np.iinfo("int64").min)  # NaT
    exact: npt.NDArray[np.int64] | None = None
    if pa.types.is_integer(array.type):
        exact = pc.fill_null(array.cast(pa.int64(), safe=False), 0).to_numpy(zero_copy_only=False)
    for low, high, ticks in PER_SECOND:
        inside = (np.abs(values) >= low) & (np.abs(values) < high)
        if not inside.any():
            continue
        if exact is not None:
            scaled = exact[inside] * (10**6 // ticks) if ticks <= 10**6 else exact[inside] // (ticks // 10**6)
        else:
            scaled = np.round(values[inside] * (10**6 / ticks)).astype("int64")
        micros[inside] = scaled
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")


def _from_text(text: pa.Array, zone: str) -> pd.Series:
    values = _from_words(text, zone)
    left = values.isna().to_numpy() & ~mask(text.is_null())
    counts = left & mask(pc.match_substring_regex(text, COUNT)) if left.any() else left
    if not counts.any():
        return values
    numbers = pc.if_else(pa.array(counts), text, None).cast(pa.float64())
    return values.where(~counts, _from_numbers(numbers))


def _from_words(text: pa.Array, zone: str) -> pd.Series:
    aware = mask(pc.match_substring_regex(text, WITH_ZONE))
    if aware.all():
        return _parse(text, utc=True)
    if not aware.any():
        return localise(_parse(text, utc=False), zone)
    local = localise(_parse(pc.if_else(pa.array(aware), None, text), utc=False), zone)
    return local.where(~aware, _parse(pc.if_else(pa.array(aware), text, None), utc=True))


def _parse(text: pa.Array, utc: bool) -> pd.Series:
    kind = pa.timestamp("us", "UTC" if utc else None)
    try:
        return pd.Series(text.cast(kind).to_pandas())
    except pa.ArrowInvalid:
        pass
    strings = pd.Series(text.to_pandas(), dtype="str")
    values = pd.to_datetime(strings, format="ISO8601", errors="coerce", utc=utc)
    for form in OTHER if not utc else []:
        left = values.isna() & strings.notna()
        if left.any():
            values = values.where(~left, pd.to_datetime(strings.where(left), format=form, errors="coerce"))
    return values.astype(UTC if utc else "datetime64[us]")
