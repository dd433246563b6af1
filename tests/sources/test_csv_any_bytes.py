"""Whatever the bytes and however they arrive: it ends, nothing raises, and a good line is never lost."""

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.monitor import FilesSource
from monitor.sources.base import Batch
from monitor.sources.files import Files

LONG_AGO = 1_700_000_000.0


class Growing:
    """A file to which bytes are added, young until it is told to rest."""

    def __init__(self, folder: str) -> None:
        self.path = Path(folder) / "a.csv"
        self.path.touch()
        self.source = Files(FilesSource(kind="files", path=str(self.path)))
        self.cursor: dict[str, Any] = {}

    def add(self, content: bytes, rests: bool) -> None:
        with self.path.open("ab") as file:
            file.write(content)
        if rests:
            os.utime(self.path, (LONG_AGO, LONG_AGO))

    def drain(self, limit: int) -> list[Batch]:
        batches = []
        while not batches or batches[-1].more:
            batches.append(self.source.read(self.cursor, limit))
            self.cursor = batches[-1].cursor
            assert len(batches) < 500
        return batches


@contextmanager
def growing() -> Iterator[Growing]:
    with tempfile.TemporaryDirectory() as folder:
        yield Growing(folder)


def table(batches: list[Batch]) -> list[tuple[str, list[str]]]:
    return [
        (origin, list(row))
        for b in batches
        if len(b.readings) and b.origin is not None
        for origin, row in zip(b.origin, b.readings.itertuples(index=False), strict=True)
    ]


cell = st.text(alphabet='a1,;"\n\r \té', max_size=5)
records = st.lists(st.tuples(cell, cell, cell), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    records,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=4),
    st.integers(1, 9),
)
def test_a_well_formed_file_gives_its_rows_however_it_grows(
    rows: list[tuple[str, ...]], end: str, quoted: bool, breaks: list[int], limit: int
) -> None:
    if not quoted:  # Python's writer leaves a lone carriage return unquoted, where it would end the line
        rows = [tuple(c.replace("\r", "") for c in row) for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(
        [("x", "y", "z"), *rows]
    )
    content = text.getvalue().encode()
    places = [0, *sorted(min(b, len(content)) for b in breaks), len(content)]
    with growing() as file:
        batches: list[Batch] = []
        for start, stop in pairwise(places):
            file.add(content[start:stop], rests=stop == len(content))
            batches += file.drain(limit)
    assert [tuple(row) for _, row in table(batches)] == rows
    assert not any(len(b.rejected) for b in batches)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(list(b'a1,"\n\r\0\xe9\xef')), max_size=60).map(bytes),
    st.integers(1, 9),
    st.integers(0, 60),
)
def test_good_lines_survive_any_bytes_before_them(garbage: bytes, limit: int, at: int) -> None:
    content = b"x,y\n" + garbage + b"\n" + b"good,1\ngood,2\n"
    with growing() as file:
        file.add(content[:at], rests=False)
        batches = file.drain(limit)
        file.add(content[at:], rests=True)
        batches += file.drain(limit)
    found = table(batches)
    assert [row for _, row in found[-2:]] == [["good", "1"], ["good", "2"]]
    origins = [o for o, _ in found] + [o for b in batches for o in b.rejected["origin"]]
    assert len(set(origins)) == len(origins)
    lines = content.count(b"\n")
    assert all(int(o.split(":")[1]) <= lines for o in origins)
