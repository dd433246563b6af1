"""The slow way through a CSV text: one record at a time, so that a broken one costs nothing but itself."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.domain.writing import counted

LONGEST_CELL = 64 << 20  # bytes; far above any block, so that the csv module never stops at a long cell
OPEN_LINES = 1000  # a quote still open after so many lines was never meant to open a field


@dataclass
class Lines:
    """What was read: good records and rejected ones, each with its physical line (0 for the block's first).

    taken: physical lines consumed; what follows them waits for more text.
    """

    good: list[list[str]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)  # line, raw, reason
    taken: int = 0


def read_lines(lines: list[str], width: int, delimiter: str, limit: int, final: bool) -> Lines:
    """Read records of ``width`` fields from physical lines that keep their line ends.

    A record that cannot be read is rejected by its first line alone, and reading starts again at the next: a stray
    quote swallows no neighbours. ``final`` says that no more text will come, so an open quote is an error as well.

    >>> read_lines(["1,2\\n", '"3,4\\n', "5,6\\n"], 2, ",", 10, final=True).good
    [['1', '2'], ['5', '6']]
    """
    csv.field_size_limit(LONGEST_CELL)
    result = Lines()
    while result.taken < len(lines) and len(result.good) + len(result.rejected) < limit:
        start = result.taken
        rest = (lines[i] for i in range(start, len(lines)))  # no copy: every line may turn out to be broken
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        try:
            _read_until_broken(reader, start, lines, width, limit, result)
        except csv.Error as fault:
            open_quote = "unexpected end" in str(fault)
            if open_quote and not final and len(lines) - result.taken <= OPEN_LINES:
                break
            result.rejected.append((result.taken, lines[result.taken], _reason(str(fault))))
            result.taken += 1
    return result


def _read_until_broken(
    reader: Iterator[list[str]], start: int, lines: list[str], width: int, limit: int, result: Lines
) -> None:
    for record in reader:
        first, result.taken = result.taken, start + reader.line_num  # type: ignore[attr-defined]  # readers have it
        if not record:
            continue
        raw = lines[first : result.taken]
        if len(record) != width:
            result.rejected.append(
                (first, "".join(raw), f"{counted(len(record), 'field')} where the header has {width}")
            )
        elif any("\0" in line for line in raw):
            result.rejected.append((first, "".join(raw), "holds a NUL character"))
        else:
            result.good.append(record)
            result.at.append(first)
        if len(result.good) + len(result.rejected) >= limit:
            return


def _reason(fault: str) -> str:
    if "unexpected end" in fault:
        return "a quote opens a field and is never closed"
    if "new-line character" in fault:
        return "a carriage return stands inside an unquoted field"
    return "text follows a closing quote; expected a delimiter or the line's end"
