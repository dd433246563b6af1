"""Parquet: rows by their number, types as the file has them, and files that change under the name."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.domain.monitor import FilesSource
from monitor.sources.base import Batch
from monitor.sources.files import Files

LONG_AGO = 1_700_000_000.0


class Folder:
    def __init__(self, path: Path) -> None:
        self.path, self.cursor, self.writes = path, dict[str, Any](), 0
        self.source = Files(FilesSource(kind="files", path=str(path / "*.parquet")))

    def write(self, table: pa.Table | bytes, name: str = "a.parquet", settled: bool = True) -> None:
        if isinstance(table, bytes):
            (self.path / name).write_bytes(table)
        else:
            pq.write_table(table, self.path / name, row_group_size=4)
        self.writes += 1
        if settled:
            os.utime(self.path / name, (LONG_AGO + self.writes, LONG_AGO + self.writes))

    def all(self, limit: int = 50_000) -> list[Batch]:
        batches: list[Batch] = []
        while not batches or batches[-1].more:
            batches.append(self.source.read(self.cursor, limit))
            self.cursor = batches[-1].cursor
        return batches


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def origins(batches: list[Batch]) -> list[str]:
    return [o for b in batches if b.origin is not None for o in b.origin]


def numbers(start: int, stop: int) -> pa.Table:
    return pa.table({"n": list(range(start, stop))})


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 100])
def test_a_row_is_known_by_file_and_number(folder: Folder, limit: int) -> None:
    folder.write(numbers(0, 10))
    batches = folder.all(limit)
    assert origins(batches) == [f"a.parquet:{n + 1}" for n in range(10)]
    assert [int(n) for b in batches if len(b.readings) for n in b.readings["n"]] == list(range(10))


def test_an_export_written_anew_with_rows_behind_brings_only_those(folder: Folder) -> None:
    folder.write(numbers(0, 6))
    folder.all()
    folder.write(numbers(0, 9))
    assert origins(folder.all()) == ["a.parquet:7", "a.parquet:8", "a.parquet:9"]


def test_another_file_under_the_name_brings_other_rows(folder: Folder) -> None:
    folder.write(numbers(0, 6))
    folder.all()
    folder.write(numbers(50, 52))
    batches = folder.all()
    assert origins(batches) == ["a.parquet@2:1", "a.parquet@2:2"]
    assert "was replaced" in batches[0].notices[0]


def test_types_and_whole_numbers_stay_exact(folder: Folder) -> None:
    folder.write(
        pa.table(
            {
                "i": pa.array([2**53 + 1, None]),
                "u": pa.array([2**64 - 1, None], pa.uint64()),
                "b": pa.array([True, None]),
                "t": pa.array([pd.Timestamp("2026-01-01 00:00", tz="UTC"), None]),
                "d": pa.array([Decimal("1.10"), None]),
                "c": pa.array(["x", None]).dictionary_encode(),
            }
        )
    )
    frame = folder.all()[0].readings
    assert (frame["i"][0], frame["u"][0], frame["b"][0], frame["d"][0]) == (
        2**53 + 1,
        2**64 - 1,
        True,
        Decimal("1.10"),
    )
    assert frame.isna().iloc[1].all()


def test_a_file_that_is_still_written_waits(folder: Folder) -> None:
    folder.write(numbers(0, 3))
    whole = (folder.path / "a.parquet").read_bytes()
    folder.write(whole[:-20], settled=False)
    assert [(b.pulled, b.more) for b in folder.all()] == [(0, False)]
    folder.write(whole, settled=False)
    assert len(origins(folder.all())) == 3


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"\xff" * 100 + b"PAR1"])
def test_a_damaged_file_is_rejected_once_and_the_next_is_read(folder: Folder, content: bytes) -> None:
    folder.write(content)
    folder.write(numbers(0, 2), name="b.parquet")
    batches = folder.all()
    assert [len(b.rejected) for b in batches] == [1]
    assert "cannot be read as Parquet" in batches[0].rejected["reason"][0]
    assert (origins(batches), folder.all()[0].pulled) == (["b.parquet:1", "b.parquet:2"], 0)


def test_no_rows_is_no_fault(folder: Folder) -> None:
    folder.write(numbers(0, 0))
    assert [(b.pulled, b.more) for b in folder.all()] == [(0, False)]


def test_names_that_are_there_twice_are_told_apart(folder: Folder) -> None:
    folder.write(pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]))
    assert list(folder.all()[0].readings.columns) == ["x", "x.1"]
