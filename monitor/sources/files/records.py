"""Where one record of a CSV text ends and the next begins, for whole blocks of bytes at a time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NEWLINE, RETURN, QUOTE = 10, 13, 34
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Complete records at the start of a block.

    ends:  (records,) position of each record's last byte, its newline.
    lines: (records,) physical lines before each record's first, 0 for the first.
    count: physical lines in all of them.
    """

    ends: Positions
    lines: Positions
    count: int

    @property
    def size(self) -> int:
        return int(self.ends[-1]) + 1 if len(self.ends) else 0


def cut(block: bytes, delimiter: str, limit: int) -> Cut | None:
    """Up to ``limit`` complete records; None where quotes, NULs or carriage returns stand in odd places.

    A quote opens a field only behind a delimiter and closes it only before one (RFC 4180); where one quote breaks
    that, counting quotes would swallow the neighbours, and the block has to be read line by line.

    >>> cut(b'1,"a\\nb"\\n2,c\\n3', ",", 10).ends.tolist()
    [7, 11]
    """
    if b"\0" in block or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        return None
    text = np.frombuffer(block, dtype=np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    if b'"' not in block:
        ends = newlines[:limit]
        return Cut(ends, np.arange(len(ends)), len(ends))
    quotes = np.flatnonzero(text == QUOTE)
    if not _well_placed(text, quotes, ord(delimiter)):
        return None
    outside = np.flatnonzero(np.searchsorted(quotes, newlines) % 2 == 0)[:limit]
    lines = np.concatenate([np.zeros(1, dtype=np.int64), outside[:-1] + 1])[: len(outside)]
    return Cut(newlines[outside], lines, int(outside[-1]) + 1 if len(outside) else 0)


def _well_placed(text: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> bool:
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, text[np.maximum(opening, 1) - 1], NEWLINE)
    opens = np.isin(before, (delimiter, NEWLINE)) | ((before == QUOTE) & (opening > 0))
    at_end = closing + 1 >= len(text)
    after = np.where(at_end, NEWLINE, text[np.minimum(closing + 1, len(text) - 1)])
    closes = np.isin(after, (delimiter, NEWLINE, RETURN, QUOTE))
    return bool(opens.all() and closes.all())
