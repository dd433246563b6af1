"""What makes a row that row, and what tells a correction from a repeat."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from monitor.sources.quality.text import as_text

Lane = npt.NDArray[np.uint64]
KEYS = ("monitor-content1", "monitor-content2")  # fixed for ever: stored hashes are compared with new ones
STEP = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
)  # odd constants of splitmix64 and xxHash
NULL = np.uint64(0x7FF8DEAD00000001)  # no float64 that a parser makes, no time, no small integer


def content_hash(columns: list[pd.Series]) -> pa.Array:
    """(rows,) 32 hex digits over typed columns: equal cells, equal hash, in any batch and process.

    Two 64-bit lanes, each the splitmix64 finaliser (Steele, Lea and Flood, 2014) over the cells in order; text enters
    by SipHash. It tells accidental differences, not forgeries.

    >>> content_hash([pd.Series([1.0, 1.0, 2.0])]).to_pylist()[0] == content_hash([pd.Series([1.0])]).to_pylist()[0]
    True
    """
    rows = len(columns[0]) if columns else 0
    lanes = [np.full(rows, step, dtype=np.uint64) for step in STEP]
    for column in columns:
        for n, cells in enumerate(_cells(column)):
            lanes[n] = _mix(lanes[n] * STEP[n] + cells)
    return _hex(lanes[0], lanes[1])


def _cells(column: pd.Series) -> tuple[Lane, Lane]:
    """(rows,) 64 bits a cell for each lane."""
    kind = column.dtype
    if kind == "float64":
        values = column.to_numpy() + 0.0  # -0.0 is 0.0
        bits = np.where(np.isnan(values), NULL, values.view(np.uint64))
        return bits, bits
    if pd.api.types.is_string_dtype(kind):
        return _text_cells(column)
    null = column.isna().to_numpy()
    if isinstance(kind, pd.DatetimeTZDtype):
        whole = column.astype("int64").to_numpy()
    else:
        whole = column.to_numpy(dtype="int64", na_value=0)
    bits = np.where(null, NULL, whole.view(np.uint64))
    return bits, bits


def _text_cells(column: pd.Series) -> tuple[Lane, Lane]:
    coded = pa.array(column, from_pandas=True)
    coded = (coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded).dictionary_encode()
    distinct = np.array(coded.dictionary.to_pylist(), dtype=object)
    place = pc.fill_null(coded.indices, len(distinct)).to_numpy()
    lanes = []
    for key in KEYS:
        sums = (
            pd.util.hash_array(distinct, hash_key=key, categorize=False)
            if len(distinct)
            else np.empty(0, np.uint64)
        )
        lanes.append(np.append(sums, NULL)[place])
    return lanes[0], lanes[1]


def _mix(x: Lane) -> Lane:
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _hex(first: Lane, second: Lane) -> pa.Array:
    both = np.stack([first, second], axis=1).astype(">u8")  # (rows, 2)
    digits = both.tobytes().hex().encode()
    offsets = np.arange(len(first) + 1, dtype=np.int64) * 32
    return pa.LargeStringArray.from_buffers(len(first), pa.py_buffer(offsets), pa.py_buffer(digits))


def key_text(columns: list[pd.Series]) -> pa.Array:
    """(rows,) the key as text; several values are joined by '|', and a '|' within one is escaped. Null if one is.

    >>> key_text([pd.Series([1, 2]), pd.Series(["a|b", None])]).to_pylist()
    ['1|a\\\\|b', None]
    """
    texts = [as_text(c) for c in columns]
    if len(texts) == 1:
        return texts[0]
    escaped = [pc.replace_substring(pc.replace_substring(t, "\\", "\\\\"), "|", "\\|") for t in texts]
    return pc.binary_join_element_wise(*escaped, pa.scalar("|", pa.large_string()))


def numbered(content: pa.Array) -> pa.Array:
    """Content and occurrence: two equal payments are two payments."""
    series = pd.Series(content.to_pandas())
    count = pa.array(series.groupby(series).cumcount().to_numpy()).cast(pa.large_string())
    return pc.binary_join_element_wise(content, count, pa.scalar("#", pa.large_string()))
