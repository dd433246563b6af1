"""Each field type's judgement of a column: typed values, and which cells cannot be such a value."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from monitor.domain.field import FieldType
from monitor.sources.quality.text import Mask, as_arrow, as_text, blank_as_null, broken, mask
from monitor.sources.quality.times import read_times

LARGEST = 3e38  # what still fits a model's float32
EXACT = 2**53  # whole numbers up to here are exact as float64
LONGEST = {"category": 1_000, "text": 65_536}  # bytes
MISSING = ["NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]  # of a number, as text
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
TRUE, FALSE = ["true", "t", "yes", "y", "1"], ["false", "f", "no", "n", "0"]


@dataclass(frozen=True)
class Cells:
    """values: (rows,) typed, missing where bad; bad: (rows,) cells that quarantine their row; expected: in words."""

    values: pd.Series
    bad: Mask
    expected: str


def numbers(column: pd.Series) -> Cells:
    """float64; text parses where it is a number with a decimal point.

    >>> numbers(pd.Series(["1.5", "1,5", ""])).bad.tolist()
    [False, True, False]
    """
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values, bad = column.to_numpy(dtype="float64", na_value=np.nan), np.zeros(len(column), dtype=bool)
    else:
        values, bad = _parsed(column)
    with np.errstate(invalid="ignore"):
        beyond = np.abs(values) > LARGEST
    if beyond.any():
        values, bad = np.where(beyond, np.nan, values), bad | beyond
    return Cells(pd.Series(values), bad, f"a number with a decimal point, within ±{LARGEST:g}")


def _parsed(column: pd.Series) -> tuple[np.ndarray, Mask]:
    array = None if column.dtype == "str" else as_arrow(column)
    if array is not None and (pa.types.is_decimal(array.type) or _is_plain_number(array.type)):
        return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.zeros(
            len(array), dtype=bool
        )
    text = blank_as_null(as_text(column), MISSING)
    try:
        return text.cast(pa.float64()).to_numpy(zero_copy_only=False), np.zeros(len(text), dtype=bool)
    except pa.ArrowInvalid:
        good = pc.match_substring_regex(text, NUMBER)
        bad = mask(pc.invert(good))
        return pc.if_else(good, text, None).cast(pa.float64()).to_numpy(zero_copy_only=False), bad


def _is_plain_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def integers(column: pd.Series) -> Cells:
    """Int64, exact; '7.0' is 7, 7.5 is bad.

    >>> integers(pd.Series(["9007199254740993", "7.5"])).values.tolist()
    [9007199254740993, <NA>]
    """
    expected = "a whole number that fits 64 bits"
    array = as_arrow(column)
    if array is not None and pa.types.is_integer(array.type) and not pa.types.is_uint64(array.type):
        return Cells(_int64(array.cast(pa.int64())), np.zeros(len(array), dtype=bool), expected)
    text = blank_as_null(as_text(column), MISSING)
    whole = pc.replace_substring_regex(text, r"\.0*$", "")
    good = pc.match_substring_regex(whole, r"^[+-]?\d{1,19}$")
    bad = mask(pc.invert(good))
    plain = pc.if_else(good, pc.utf8_ltrim(whole, "+"), None)
    try:
        return Cells(_int64(plain.cast(pa.int64())), bad, expected)
    except pa.ArrowInvalid:  # 19 digits may still be too many
        fits = np.array([v is None or -(2**63) <= int(v) < 2**63 for v in plain.to_pylist()])
        plain = pc.if_else(pa.array(fits), plain, None)
        return Cells(_int64(plain.cast(pa.int64())), bad | ~fits, expected)


def _int64(array: pa.Array) -> pd.Series:
    return pd.Series(array.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))


def booleans(column: pd.Series) -> Cells:
    """boolean; true/false, yes/no, 1/0 in any case."""
    text = pc.utf8_lower(blank_as_null(as_text(column), MISSING))
    true = pc.is_in(text, value_set=pa.array(TRUE, text.type))
    known = pc.or_(true, pc.is_in(text, value_set=pa.array(FALSE, text.type)))
    bad = mask(pc.and_(pc.is_valid(text), pc.invert(known)))
    said = pc.if_else(known, true, None)
    values = pd.Series(said.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get))
    return Cells(values, bad, "true or false (or yes, no, 1, 0)")


def categories(column: pd.Series) -> Cells:
    """str of a limited set, trimmed; empty is missing."""
    return _strings(column, LONGEST["category"], "a short text")


def texts(column: pd.Series) -> Cells:
    """str; empty is missing."""
    return _strings(column, LONGEST["text"], "text")


def _strings(column: pd.Series, longest: int, words: str) -> Cells:
    text = blank_as_null(as_text(column))
    bad = mask(pc.greater(pc.binary_length(text), longest)) | mask(pc.match_substring(text, "\0"))
    unreadable = broken(column)
    if unreadable is not None:
        bad = bad | unreadable
    if bad.any():
        text = pc.if_else(pa.array(bad), None, text)
    return Cells(
        pd.Series(text.to_pandas(), dtype="str"), bad, f"{words} of at most {longest} bytes without NUL"
    )


def times(column: pd.Series, zone: str) -> Cells:
    """datetime64[us, UTC]; a time without a zone is read in ``zone`` (see ``times``)."""
    values, bad = read_times(column, zone)
    return Cells(values, bad, "a time as in 2026-03-29T14:30:00+02:00, between 1900 and 2200")


def judge(column: pd.Series, kind: FieldType, zone: str) -> Cells:
    """The column as the pinned type sees it."""
    if kind == "time":
        return times(column, zone)
    by_type: dict[str, Callable[[pd.Series], Cells]] = {
        "number": numbers,
        "integer": integers,
        "boolean": booleans,
        "category": categories,
        "text": texts,
    }
    return by_type[kind](column)
