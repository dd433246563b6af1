"""Rows out of a block of CSV text: fast where it is well formed, line by line where it is not."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from monitor.domain.writing import counted
from monitor.sources.files.line_by_line import OPEN_LINES, Lines, read_lines
from monitor.sources.files.records import Cut, cut

LONGEST = 32 << 20  # bytes of one record; a longer one is rejected
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]  # of a number


@dataclass
class Taken:
    """Rows of a block: size bytes and count physical lines of it are used up."""

    frame: pd.DataFrame
    at: npt.NDArray[np.int64]
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    size: int = 0
    count: int = 0
    recoded: int = 0


@dataclass(frozen=True)
class Format:
    """What a file's rows look like; ``numbers`` says which pinned columns are number or integer."""

    columns: list[str]
    delimiter: str
    numbers: dict[str, str]

    def types(self, typed: bool) -> dict[str, Any]:
        kinds = {"number": pa.float64(), "integer": pa.int64()} if typed else {}
        return {name: kinds.get(self.numbers.get(name, ""), pa.string()) for name in self.columns}


def take(block: bytes, layout: Format, limit: int, final: bool, ended: bool) -> Taken:
    """Rows of the complete records at the start of a block.

    ended: the block reaches the file's present end, so a quote that is open over many lines will not close by reading
    on; final: nor by waiting.
    """
    found = cut(block, layout.delimiter, limit)
    if found is not None and len(found.ends):
        fast = _take_fast(block[: found.size], found, layout)
        if fast is not None:
            return fast
    if found is not None and not len(found.ends) and _waits(block, final, ended):
        return Taken(_empty(layout), np.empty(0, dtype=np.int64))
    return _take_slowly(block, layout, limit, final)


def _waits(block: bytes, final: bool, ended: bool) -> bool:
    return not final and (not ended or block.count(b"\n") <= OPEN_LINES)


def _take_fast(block: bytes, found: Cut, layout: Format) -> Taken | None:
    text, recoded = (block, 0) if _is_utf8(block) else _recode(block)
    parsed = _parse(text, layout, typed=True) or _parse(text, layout, typed=False)
    if parsed is None or len(parsed[0]) + len(parsed[1]) != len(found.ends):
        return None
    table, ragged = parsed
    starts = np.concatenate([[0], found.ends[:-1] + 1])
    length = found.ends - starts
    returns = np.frombuffer(block, dtype=np.uint8)[starts] == 13
    kept = ~((length == 0) | ((length == 1) & returns))
    kept[[n for n, _, _ in ragged]] = False
    parsed_rows = np.ones(len(found.ends), dtype=bool)
    parsed_rows[[n for n, _, _ in ragged]] = False
    frame = _frame(table if kept.sum() == len(table) else table.filter(pa.array(kept[parsed_rows])))
    rejected = [(int(found.lines[n]), raw, reason) for n, raw, reason in ragged]
    return _without_headers(
        Taken(frame, found.lines[kept], rejected, len(block), found.count, recoded), layout
    )


def _parse(block: bytes, layout: Format, typed: bool) -> tuple[pa.Table, list[tuple[int, str, str]]] | None:
    """The records and the ragged ones among them; None where a value does not fit its column."""
    width, ragged = len(layout.columns), []

    def reject(row: Any) -> str:
        reason = f"{counted(row.actual_columns, 'field')} where the header has {width}"
        ragged.append((row.number - 1, row.text, reason))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(block),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, column_names=layout.columns, block_size=max(len(block), 1 << 10)
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter,
                ignore_empty_lines=False,
                newlines_in_values=b'"' in block,
                invalid_row_handler=reject,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=layout.types(typed), null_values=MISSING, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table, ragged


def _take_slowly(block: bytes, layout: Format, limit: int, final: bool) -> Taken:
    lines, recoded = [], 0
    for line in _split(block):
        text, strange = _decode(line)
        lines.append(text)
        recoded += strange
    read = read_lines(lines, len(layout.columns), layout.delimiter, limit, final)
    return _without_headers(_taken(block, read, layout, recoded), layout)


def _taken(block: bytes, read: Lines, layout: Format, recoded: int) -> Taken:
    columns = zip(*read.good, strict=True) if read.good else ([] for _ in layout.columns)
    table = pa.table({n: pa.array(c, pa.string()) for n, c in zip(layout.columns, columns, strict=True)})
    newlines = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 10)
    size = int(newlines[read.taken - 1]) + 1 if read.taken else 0
    return Taken(_frame(table), np.array(read.at, dtype=np.int64), read.rejected, size, read.taken, recoded)


def give_up(block: bytes, layout: Format, limit: int) -> Taken:
    """A record of which no end is in sight is given up."""
    if b"\n" in block:
        return _take_slowly(block, layout, limit, final=True)
    rejected = [(0, block[: 1 << 14].decode("utf-8", "replace"), f"a line of more than {LONGEST} bytes")]
    return Taken(_empty(layout), np.empty(0, dtype=np.int64), rejected, len(block), 0)


def _without_headers(taken: Taken, layout: Format) -> Taken:
    """Concatenated files repeat their header; such a line is no row."""
    frame = taken.frame
    if any(kind != "str" for kind in frame.dtypes):
        return taken
    same = np.ones(len(frame), dtype=bool)
    for name in layout.columns:
        same &= (frame[name].str.strip() == name).to_numpy(dtype=bool)
        if not same.any():
            return taken
    raw = layout.delimiter.join(layout.columns)
    taken.rejected += [(int(line), raw, "repeats the header") for line in taken.at[same]]
    taken.frame, taken.at = frame[~same].reset_index(drop=True), taken.at[~same]
    return taken


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _recode(block: bytes) -> tuple[bytes, int]:
    lines = [_decode(line) for line in _split(block)]
    return "".join(text for text, _ in lines).encode(), sum(strange for _, strange in lines)


def _split(block: bytes) -> list[bytes]:
    return [line + b"\n" for line in block.split(b"\n")[:-1]]


def _decode(line: bytes) -> tuple[str, bool]:
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        pass
    try:
        return line.decode("cp1252"), True  # what is called Latin-1 nearly always is Windows' superset of it
    except UnicodeDecodeError:
        return line.decode("latin-1"), True


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame


def _empty(layout: Format) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="str") for name in layout.columns})
