"""The first record of a CSV file: its columns and its delimiter."""

import csv
import io
import math
from dataclasses import dataclass

LARGEST = 1 << 20  # bytes; a header longer than that is no header
DELIMITERS = ",;\t|"


class Unreadable(Exception):
    """A file that is no CSV or Parquet; the text is the reason a person reads."""


@dataclass(frozen=True)
class Header:
    """columns: unique names in order; size: bytes before the first row; lines: physical lines before it."""

    columns: list[str]
    delimiter: str
    size: int
    lines: int


def read_header(block: bytes, final: bool) -> Header | None:
    """The header at the start of a file; None while its line has no end yet.

    Raises Unreadable where the first line cannot be a header.

    >>> read_header(b"a;b;b\\n1;2;3\\n", final=False)
    Header(columns=['a', 'b', 'b.1'], delimiter=';', size=6, lines=1)
    """
    _check_bytes(block)
    lines = io.BytesIO(block).readlines()
    blank = next((i for i, line in enumerate(lines) if line.strip(b"\xef\xbb\xbf\r\n")), len(lines))
    if blank == len(lines):
        return None
    delimiter = max(DELIMITERS, key=lambda d: _outside_quotes(_decode(lines[blank])).count(d))
    reader = csv.reader((_decode(line) for line in lines[blank:]), delimiter=delimiter, strict=True)
    try:
        names = next(reader)
    except csv.Error as fault:
        raise Unreadable(f"has a header that cannot be read: {fault}") from None
    taken = blank + reader.line_num
    if not lines[taken - 1].endswith(b"\n") and not final:
        return None
    size = sum(len(line) for line in lines[:taken])
    return Header(_checked(names), delimiter, size, taken)


def _check_bytes(block: bytes) -> None:
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("is UTF-16 text; expected UTF-8 or Latin-1")
    if block.startswith(b"PAR1"):
        raise Unreadable("is a Parquet file; give format: parquet or the ending .parquet")
    if block.startswith(b"\x1f\x8b"):
        raise Unreadable("is packed with gzip; give it the ending .gz")
    if block.startswith(b"PK\x03\x04"):
        raise Unreadable("is a zip archive or a spreadsheet; unpack it, or export it as CSV")
    first = block[: block.find(b"\n") + 1] or block
    if b"\0" in first:
        raise Unreadable("is not CSV text: its first line holds NUL bytes")
    if b"\r" in block and b"\n" not in block and block.count(b"\r") > 1:
        raise Unreadable("has carriage returns alone as line ends; expected line feeds, with or without them")
    if len(first) >= LARGEST:
        raise Unreadable(f"has a first line of more than {LARGEST} bytes; expected a header")


def _decode(line: bytes) -> str:
    try:
        return line.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _checked(names: list[str]) -> list[str]:
    if all(_is_number(n) for n in names):
        raise Unreadable(f"has values where a header is expected: {', '.join(names)[:80]!r}")
    return unique(names)


def unique(names: list[str]) -> list[str]:
    """Names a person can refer to: trimmed, none empty, none twice.

    >>> unique([" a", "", "a"])
    ['a', 'column_2', 'a.1']
    """
    taken: list[str] = []
    for place, raw in enumerate(names, start=1):
        name = raw.strip() or f"column_{place}"
        base, repeat = name, 0
        while name in taken:
            repeat += 1
            name = f"{base}.{repeat}"
        taken.append(name)
    return taken


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
