"""One page of rows from a Parquet file."""

from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.sources.files.header import Unreadable, unique
from monitor.sources.files.page import Page
from monitor.sources.files.state import Judgement, State, sum_of

HEAD = 64  # rows that tell one file from another
EXACT = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(),
         pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}  # fmt: skip


def read_page(stream: BinaryIO, state: State, limit: int) -> Page:
    """Up to ``limit`` rows from row ``state['offset']`` on; Unreadable where the file is no Parquet file."""
    try:
        file = pq.ParquetFile(stream)
        table = _rows(file, state["offset"], limit)
        head = state.get("head") or _head(file, min(HEAD, state["offset"] + len(table)))
    except (pa.ArrowException, OSError, ValueError) as fault:
        if _passing(fault):
            raise
        raise Unreadable(f"cannot be read as Parquet: {str(fault).splitlines()[0][:200]}") from None
    offset = state["offset"] + len(table)
    rest = offset < file.metadata.num_rows
    first = state["offset"] + 1
    new = state | {"offset": offset, "line": offset + 1, "pending": rest, "head": head}
    table = table.rename_columns(unique(table.column_names))
    frame: pd.DataFrame = table.to_pandas(types_mapper=EXACT.get, ignore_metadata=True)
    return Page(frame, np.arange(first, first + len(frame)), new, more=rest)


def judge(state: State, stream: BinaryIO) -> Judgement:
    """Whether a file that was written to again still begins with the rows that were read."""
    try:
        file = pq.ParquetFile(stream)
        head = state.get("head", [0, ""])
        replaced = bool(head[0]) and _head(file, head[0]) != head
    except (pa.ArrowException, OSError, ValueError) as fault:
        if _passing(fault):
            raise
        return "unreadable"
    if replaced:
        return "replaced"
    return "same" if file.metadata.num_rows >= state["offset"] else "edited"


def _passing(fault: Exception) -> bool:
    """Arrow says OSError of damaged bytes too, but without a number: that is the system's, and says nothing of them."""
    return isinstance(fault, OSError) and bool(fault.errno)


def _head(file: Any, rows: int) -> list[Any]:
    return [rows, sum_of(repr(_rows(file, 0, rows).to_pylist()).encode())]


def _rows(file: Any, offset: int, limit: int) -> pa.Table:
    """A slice of rows; only the row groups it touches are decoded. It ends before a damaged one."""
    parts, start = [file.schema_arrow.empty_table()], 0
    for group in range(file.metadata.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        first, last = max(offset - start, 0), min(offset + limit - start, count)
        start += count
        if first >= last:
            continue
        try:
            parts.append(_slice(file, group, first, last))
        except (pa.ArrowException, OSError) as fault:
            if len(parts) == 1 or _passing(fault):
                raise
            break  # what was read is good; the next read begins with what is not
    return pa.concat_tables(parts)


def _slice(file: Any, group: int, first: int, last: int) -> pa.Table:
    parts, start = [], 0
    for batch in file.iter_batches(batch_size=last - first, row_groups=[group], use_threads=False):
        begin, end = max(first - start, 0), min(last - start, len(batch))
        if begin < end:
            parts.append(batch.slice(begin, end - begin))
        start += len(batch)
        if start >= last:
            break
    return pa.Table.from_batches(parts)
