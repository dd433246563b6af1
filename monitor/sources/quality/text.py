"""Any column as Arrow text, the common ground on which cells are judged."""

import json
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


def as_text(column: pd.Series) -> pa.Array:
    """(rows,) text, null where the cell is missing; whole floats lose their '.0', so 7 is 7 wherever it comes from.

    Characters that are no Unicode (a broken decoding at the source) become backslash escapes; see :func:`broken`.

    >>> as_text(pd.Series([7.0, None])).to_pylist()
    ['7', None]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_float_dtype(column.dtype):
        return _float_text(column.to_numpy(dtype="float64", na_value=np.nan))
    array = as_arrow(column)
    if array is None:
        array = pa.array([_cell_text(v) for v in column], pa.string())
    elif pa.types.is_floating(array.type):
        array = _float_text(array.to_numpy(zero_copy_only=False))
    elif (
        pa.types.is_temporal(array.type)
        or pa.types.is_decimal(array.type)
        or pa.types.is_nested(array.type)
        or pa.types.is_binary(array.type)
        or pa.types.is_large_binary(array.type)
        or isinstance(array.type, pa.BaseExtensionType)  # UUIDs
    ):
        array = pa.array([_cell_text(v) for v in array.to_pylist()], pa.string())
    return _one(array.cast(pa.large_string()))


def as_arrow(column: pd.Series) -> pa.Array | None:
    """The column with one Arrow type, or None where its cells have several."""
    try:
        return _one(pa.array(column, from_pandas=True))
    except (pa.ArrowException, ValueError, TypeError, OverflowError, UnicodeError):
        return None


def broken(column: pd.Series) -> Mask | None:
    """Which cells hold text that is no Unicode; None where none does."""
    if column.dtype != object or as_arrow(column) is not None:
        return None
    return np.array([isinstance(v, str) and not _is_unicode(v) for v in column], dtype=bool)


def blank_as_null(text: pa.Array, missing: list[str] | None = None) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(text)
    empty = pc.is_in(trimmed, value_set=pa.array(["", *(missing or [])], trimmed.type))
    return pc.if_else(empty, None, trimmed)


def mask(array: pa.Array) -> Mask:
    """A boolean Arrow array as NumPy, null as False."""
    filled: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return filled


def _one(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _float_text(values: npt.NDArray[np.float64]) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(values) & (np.abs(values) < 2**53) & (values == np.floor(values))
    integers = pa.array(np.where(whole, values, 0).astype("int64"))
    return pc.if_else(pa.array(whole), integers.cast(pa.large_string()), array.cast(pa.large_string()))


def _cell_text(value: Any) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes_text(bytes(value))
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, default=str)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _bytes_text(value: bytes) -> str:
    """Text where bytes spell it, else their digits as PostgreSQL writes them.

    >>> _bytes_text(b"ab"), _bytes_text(bytes([255, 0]))
    ('ab', '\\\\xff00')
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "\\x" + value.hex()
    return "\\x" + value.hex() if "\0" in text else text


def is_missing(value: Any) -> bool:
    """None, NaN of any kind, NaT; a list of such is a value.

    >>> is_missing(Decimal("sNaN")), is_missing([None])
    (True, False)
    """
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or (np.ndim(value) == 0 and not isinstance(value, dict) and bool(pd.isna(value)))


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
