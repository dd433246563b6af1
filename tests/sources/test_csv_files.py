"""CSV as it comes: growing, rotated, ragged, badly encoded; each good row once, each bad one with its reason."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.errors import SourceRefused, SourceUnavailable
from monitor.domain.field import Field, Schema
from monitor.domain.monitor import FilesSource
from monitor.sources.base import Batch
from monitor.sources.files import Files

LONG_AGO = 1_700_000_000.0


class Folder:
    """A folder under watch, and the cursor that goes with it."""

    def __init__(self, path: Path, pattern: str = "*.csv*", schema: Schema | None = None) -> None:
        self.path = path
        self.source = Files(FilesSource(kind="files", path=str(path / pattern)), schema=schema)
        self.cursor: dict[str, Any] = {}

    def write(self, content: bytes, name: str = "a.csv", mode: str = "wb", settled: bool = True) -> None:
        with (self.path / name).open(mode) as file:
            file.write(content)
        if settled:
            size = (self.path / name).stat().st_size
            os.utime(self.path / name, (LONG_AGO + size, LONG_AGO + size))

    def read(self, limit: int = 50_000) -> Batch:
        batch = self.source.read(self.cursor, limit)
        self.cursor = batch.cursor
        return batch

    def all(self, limit: int = 50_000) -> list[Batch]:
        batches = [self.read(limit)]
        while batches[-1].more:
            batches.append(self.read(limit))
        return batches


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def rows(*batches: Batch) -> list[list[Any]]:
    return [row for b in batches if len(b.readings) for row in b.readings.to_numpy(dtype=object).tolist()]


def origins(*batches: Batch) -> list[str]:
    return [o for b in batches for o in b.origin] if all(b.origin is not None for b in batches) else []  # type: ignore[union-attr]


def reasons(*batches: Batch) -> dict[str, str]:
    return {r.origin: r.reason for b in batches for r in b.rejected.itertuples()}


def test_a_row_is_known_by_file_and_line(folder: Folder) -> None:
    folder.write(b'a,b\n1,2\n\n3,"two\nlines"\n5,6\n')
    assert origins(folder.read()) == ["a.csv:2", "a.csv:4", "a.csv:6"]


def test_appended_lines_are_read_once(folder: Folder) -> None:
    folder.write(b"a\n1\n2\n")
    first = folder.read()
    folder.write(b"3\n", mode="ab")
    second = folder.read()
    assert (rows(first), rows(second), origins(second)) == ([["1"], ["2"]], [["3"]], ["a.csv:4"])


def test_a_line_without_its_end_waits_while_the_file_is_young(folder: Folder) -> None:
    folder.write(b"a,b\n1,2\n3,", settled=False)
    first = folder.read()
    folder.write(b"4\n", mode="ab", settled=False)
    second = folder.read()
    assert (rows(first), rows(second)) == ([["1", "2"]], [["3", "4"]])
    assert "incomplete" in first.notices[0]


def test_a_line_without_its_end_is_a_row_when_the_file_has_rested(folder: Folder) -> None:
    folder.write(b"a,b\n1,2\n3,4")
    assert rows(*folder.all()) == [["1", "2"], ["3", "4"]]


def test_a_waiting_line_is_taken_when_the_file_comes_to_rest(folder: Folder) -> None:
    folder.write(b"a\n1\n2", settled=False)
    first = folder.read()
    at = (folder.path / "a.csv").stat().st_mtime
    folder.source = Files(FilesSource(kind="files", path=str(folder.path / "*.csv")), clock=lambda: at + 61)
    assert (rows(first), rows(folder.read())) == ([["1"]], [["2"]])


def test_the_rest_of_a_line_that_was_taken_too_early_is_rejected_not_misread(folder: Folder) -> None:
    folder.write(b"a,b\n1,2\n3,4")
    folder.all()
    folder.write(b"56\n7,8\n", mode="ab")
    batch = folder.read()
    assert (rows(batch), origins(batch)) == ([["7", "8"]], ["a.csv:4"])
    assert "continues a line" in reasons(batch)["a.csv:3"]


def test_a_late_line_end_is_not_a_row(folder: Folder) -> None:
    folder.write(b"a,b\n1,2")
    folder.all()
    folder.write(b"\r\n3,4\r\n", mode="ab")
    batch = folder.read()
    assert (rows(batch), origins(batch), len(batch.rejected)) == ([["3", "4"]], ["a.csv:3"], 0)


def test_a_rotated_log_goes_on_under_its_new_name(folder: Folder) -> None:
    folder.write(b"a\n1\n2\n")
    folder.read()
    (folder.path / "a.csv").rename(folder.path / "a.csv.1")
    folder.write(b"3\n", name="a.csv.1", mode="ab")
    folder.write(b"a\n9\n")
    batches = folder.all()
    assert sorted(zip(origins(*batches), rows(*batches), strict=True)) == [
        ("a.csv:4", ["3"]),
        ("a.csv@2:2", ["9"]),
    ]


def test_a_chain_of_rotations_loses_nothing(folder: Folder) -> None:
    seen: list[Any] = []
    for n in range(5):
        for k in range(n, 0, -1):
            former = folder.path / ("a.csv" if k == 1 else f"a.csv.{k - 1}")
            former.rename(folder.path / f"a.csv.{k}")
        folder.write(b"a\n%d\n%d\n" % (10 * n, 10 * n + 1))
        batches = folder.all()
        seen += list(zip(origins(*batches), rows(*batches), strict=True))
    assert [int(r[0]) for _, r in seen] == [0, 1, 10, 11, 20, 21, 30, 31, 40, 41]
    assert len({o for o, _ in seen}) == 10


def test_a_replaced_file_brings_other_rows(folder: Folder) -> None:
    folder.write(b"a\n1\n2\n")
    folder.read()
    folder.write(b"a\n7\n8\n9\n")
    batch = folder.read()
    assert origins(batch) == ["a.csv@2:2", "a.csv@2:3", "a.csv@2:4"]
    assert "was replaced" in batch.notices[0]


def test_an_export_written_anew_with_rows_behind_brings_only_those(folder: Folder) -> None:
    folder.write(b"a\n1\n2\n")
    folder.read()
    folder.write(b"a\n1\n2\n3\n")
    assert (rows(folder.read()), folder.read().pulled) == ([["3"]], 0)


def test_a_file_cut_short_keeps_the_identity_of_the_rows_that_are_left(folder: Folder) -> None:
    lines = b"".join(b"%06d\n" % n for n in range(1000))
    folder.write(b"a\n" + lines)
    folder.read()
    folder.write(b"a\n" + lines[: 7 * 800])
    batch = folder.read()
    assert (len(batch.readings), origins(batch)[0]) == (800, "a.csv:2")
    assert "shortened" in batch.notices[0]


def test_a_file_that_went_away_and_came_back_is_not_read_again(folder: Folder) -> None:
    folder.write(b"a\n1\n")
    folder.read()
    (folder.path / "a.csv").rename(folder.path / "kept")
    assert folder.read().pulled == 0
    (folder.path / "kept").rename(folder.path / "a.csv")
    assert folder.read().pulled == 0


@pytest.mark.parametrize("ragged", [b"1\n", b"1,2,3\n", b'"1,2\n', b'1,"2"x\n', b"1,\x002\n", b"1,2\r3,4\n"])
@pytest.mark.parametrize("quoted", [b"5,6\n", b'"5","6"\n', b'"5","6\n6"\n'])
def test_a_broken_line_costs_no_neighbour(folder: Folder, ragged: bytes, quoted: bytes) -> None:
    folder.write(b"a,b\n7,8\n" + quoted + ragged + quoted + b"9,0\n")
    batches = folder.all()
    good = [cell.split(b"\n") for cell in [quoted]] and rows(*batches)
    assert len(good) == 4
    assert (good[0], good[3]) == (["7", "8"], ["9", "0"])
    assert good[1] == good[2]
    assert len(reasons(*batches)) == 1


def test_a_stray_quote_at_the_end_does_not_hold_the_file_for_ever(folder: Folder) -> None:
    folder.write(b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 3)
    batches = folder.all()
    assert rows(*batches) == [["1", "2"]] + [["5", "6"]] * 3
    assert "never closed" in reasons(*batches)["a.csv:3"]


def test_a_young_file_waits_for_a_quote_to_close_but_not_without_end(folder: Folder) -> None:
    folder.write(b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 10, settled=False)
    assert rows(*folder.all()) == [["1", "2"]]
    folder.write(b"5,6\n" * 2000, mode="ab", settled=False)
    assert len(rows(*folder.all())) == 2010


def test_reasons_name_what_was_got_and_expected(folder: Folder) -> None:
    folder.write(b"a,b\n1\n1,2,3\n")
    assert reasons(folder.read()) == {
        "a.csv:2": "1 field where the header has 2",
        "a.csv:3": "3 fields where the header has 2",
    }


def test_a_byte_order_mark_is_no_part_of_the_first_name(folder: Folder) -> None:
    folder.write(b"\xef\xbb\xbfa,b\n1,2\n")
    assert list(folder.read().readings.columns) == ["a", "b"]


def test_windows_line_ends_are_line_ends(folder: Folder) -> None:
    folder.write(b'a,b\r\n1,2\r\n\r\n"3","4\r\n4"\r\n')
    assert rows(folder.read()) == [["1", "2"], ["3", "4\r\n4"]]


def test_latin_1_is_read_with_a_notice(folder: Folder) -> None:
    folder.write("a,b\n1,Müller\n2,€\n".encode("cp1252") + "3,Größe\n".encode())
    batch = folder.read()
    assert rows(batch) == [["1", "Müller"], ["2", "€"], ["3", "Größe"]]
    assert "2 lines" in batch.notices[0] and "Latin-1" in batch.notices[0]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_header_tells_the_delimiter(folder: Folder, delimiter: str) -> None:
    folder.write(f"a{delimiter}b\n1,5{delimiter}2\n".encode())
    assert rows(folder.read()) == [["1,5", "2"]]


def test_names_are_trimmed_filled_and_made_unique(folder: Folder) -> None:
    folder.write(b" a ,,a,\n1,2,3,4\n")
    assert list(folder.read().readings.columns) == ["a", "column_2", "a.1", "column_4"]


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a,b", b"\n\n", b"\xef\xbb\xbf"])
def test_no_rows_is_no_fault(folder: Folder, content: bytes) -> None:
    folder.write(content)
    assert [(b.pulled, b.more) for b in folder.all()] == [(0, False)]


def test_rows_after_a_header_that_came_alone_are_read(folder: Folder) -> None:
    folder.write(b"a,b\n")
    folder.read()
    folder.write(b"1,2\n", mode="ab")
    assert rows(folder.read()) == [["1", "2"]]


def test_a_repeated_header_is_no_row(folder: Folder) -> None:
    folder.write(b"a,b\n1,2\na,b\n3,4\n")
    batch = folder.read()
    assert (rows(batch), reasons(batch)) == ([["1", "2"], ["3", "4"]], {"a.csv:3": "repeats the header"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"PK\x03\x04\x00\x00\x08\x00", "zip archive"),
        (b"\x1f\x8b\x08\x00\x00", "ending .gz"),
        (b"\x00\x01\x02\n", "NUL"),
        (b"1,2\n3,4\n", "values where a header is expected"),
        (b"a,b\r1,2\r3,4\r", "carriage returns"),
    ],
)
def test_what_is_no_csv_is_rejected_once_and_the_next_file_is_read(
    folder: Folder, content: bytes, words: str
) -> None:
    folder.write(content)
    folder.write(b"a,b\n1,2\n", name="b.csv")
    batches = folder.all()
    assert words in next(iter(reasons(*batches).values()))
    assert (rows(*batches), folder.read().pulled) == ([["1", "2"]], 0)


def test_files_of_different_columns_never_share_a_batch(folder: Folder) -> None:
    folder.write(b"a,b\n1,2\n")
    folder.write(b"a\n3\n", name="b.csv")
    assert [list(b.readings.columns) for b in folder.all()] == [["a", "b"], ["a"]]


def test_packed_files_are_read_like_plain_ones(folder: Folder) -> None:
    folder.write(gzip.compress(b"a,b\n" + b"1,2\n" * 100), name="a.csv.gz")
    batches = folder.all(limit=30)
    assert (len(rows(*batches)), origins(*batches)[-1]) == (100, "a.csv.gz:101")


def test_a_damaged_pack_gives_its_good_rows_and_one_reason(folder: Folder) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(100_000)))
    folder.write(packed[: len(packed) // 2], name="a.csv.gz")
    batches = folder.all(limit=5000)
    assert 0 < len(rows(*batches)) < 60_000
    assert "end early" in " ".join(reasons(*batches).values())


def test_pinned_numbers_are_parsed_and_pinned_text_is_left_alone(tmp_path: Path) -> None:
    schema = Schema(fields=(Field(name="n", type="number"), Field(name="i", type="integer")))
    folder = Folder(tmp_path, schema=schema)
    folder.write(b"n,i,code\n1.5,9007199254740993,007\n,,NA\n")
    frame = folder.read().readings
    assert [str(t) for t in frame.dtypes] == ["float64", "Int64", "str"]
    assert (frame["i"][0], list(frame["code"])) == (9007199254740993, ["007", "NA"])


def test_one_bad_number_leaves_the_others_text_as_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path, schema=Schema(fields=(Field(name="n", type="number"),)))
    folder.write(b"n\n1.50\nabc\n")
    assert rows(folder.read()) == [["1.50"], ["abc"]]


def test_a_cell_of_ten_megabytes_does_not_stop_the_next_row(folder: Folder) -> None:
    folder.write(b"a,b\n1," + b"x" * 10_000_000 + b"\n3,4\n")
    assert [len(r[1]) for r in rows(*folder.all())] == [10_000_000, 1]


def test_a_line_beyond_any_measure_is_rejected(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sources.files.delimited.LONGEST", 1 << 18)
    folder.write(b"a,b\n1," + b"x" * 1_000_000 + b"\n3,4\n")
    batches = folder.all()
    assert (rows(*batches), origins(*batches)) == ([["3", "4"]], ["a.csv:3"])
    assert "a line of more than" in reasons(*batches)["a.csv:2"]


def test_a_missing_file_may_come(tmp_path: Path) -> None:
    source = Files(FilesSource(kind="files", path=str(tmp_path / "a.csv")))
    (notice,) = source.read({}).notices
    assert notice == f"no file matches '{tmp_path}/a.csv'; put one there, or correct the path"
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    batch = source.read({})
    assert len(batch.readings) == 1 and batch.notices == []


def test_a_file_that_went_away_is_a_fault(tmp_path: Path) -> None:
    source = Files(FilesSource(kind="files", path=str(tmp_path / "a.csv")))
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    cursor = source.read({}).cursor
    (tmp_path / "a.csv").unlink()
    with pytest.raises(SourceUnavailable, match=r"no file matches .*a\.csv"):
        source.read(cursor)


def test_a_glob_that_matches_nothing_is_empty(folder: Folder) -> None:
    assert folder.read().pulled == 0


def test_a_folder_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"is a folder; expected .*\*\.csv"):
        Files(FilesSource(kind="files", path=str(tmp_path))).read({})


@pytest.mark.parametrize(
    "path", ["https://example.org/a.csv", "simplecache::http://10.0.0.1/a.csv", "nosuch://x/a.csv"]
)
def test_addresses_that_are_no_file_systems_are_refused(path: str) -> None:
    with pytest.raises(SourceRefused):
        Files(FilesSource(kind="files", path=path)).read({})


def test_the_path_may_come_from_the_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(b"a\n1\n")
    monkeypatch.setenv("EXPORTS", str(folder.path))
    assert Files(FilesSource(kind="files", path="${EXPORTS}/a.csv")).read({}).pulled == 1
    monkeypatch.delenv("EXPORTS")
    with pytest.raises(SourceRefused, match="EXPORTS is not set"):
        Files(FilesSource(kind="files", path="${EXPORTS}/a.csv")).read({})


def test_any_fsspec_address_is_read() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/exports/a.csv", b"a\n1\n")
    try:
        source = Files(FilesSource(kind="files", path="memory://exports/*.csv"))
        assert origins(source.read({})) == ["a.csv:2"]
    finally:
        memory.rm("/exports", recursive=True)
