"""Files that change, move, or are none: shortened, replaced, rotated, still written, unreadable, not there."""

import io
import os
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from .case import Case
from .rows import csv_bytes, good
from .shapes import ALL, BROKEN, FIRST, FOURTH, HEAD, LINES, PARQUET, SECOND, THIRD, judge
from .world import World


def scene(name: str, play: Callable[[World], None], *sources: str, group: str = "file shape") -> Case:
    return Case(group, name, sources or ("csv",), play)


def _half_damaged(world: World) -> None:
    stream = io.BytesIO()
    table = pq.read_table(pa.BufferReader(PARQUET))
    pq.write_table(table, stream, row_group_size=2, compression="none", use_dictionary=False)
    content, last = bytearray(stream.getvalue()), pq.ParquetFile(stream).metadata.row_group(2)
    start = min(last.column(n).data_page_offset for n in range(last.num_columns))
    content[start : start + 60] = b"\xff" * 60
    before = set(world.rows())
    world.write("new.parquet", bytes(content))
    world.pull()
    judge(world, before, ALL[:4], (BROKEN,))


def _linked(world: World) -> None:
    (world.folder / "elsewhere.csv").write_bytes(b"".join(LINES))
    (world.inbox / "new.csv").symlink_to(world.folder / "elsewhere.csv")
    before = set(world.rows())
    world.pull()
    judge(world, before, ALL, ())


def _no_rows(world: World) -> None:
    table = pq.read_table(pa.BufferReader(PARQUET)).slice(0, 0)
    stream = io.BytesIO()
    pq.write_table(table, stream)
    before = set(world.rows())
    world.write("new.parquet", stream.getvalue())
    world.pull(0, ("0 new rows",))
    judge(world, before, [], ())


def _folder(world: World) -> None:
    (world.inbox / "new.csv").mkdir()
    world.write("z.csv", b"".join(LINES))
    before = set(world.rows())
    world.pull()
    judge(world, before, ALL, ())


def _unreadable(world: World) -> None:
    before = set(world.rows())
    name, content = ("new.csv", b"".join(LINES)) if world.source == "csv" else ("new.parquet", PARQUET)
    path = world.write(name, content)
    path.unlink()
    path.symlink_to("/proc/1/mem" if os.geteuid() else "/proc/self/mem")  # what not even root can read
    world.pull(1, (name,))
    judge(world, before, [], ())
    path.unlink()
    world.write(name, content)
    world.pull()
    judge(world, before, ALL, ())


def _shrunk(world: World) -> None:
    before = set(world.rows())
    many = csv_bytes([good(n) for n in range(1001, 1061)]).splitlines(keepends=True)
    world.write("new.csv", b"".join(many))
    world.pull()
    world.write("new.csv", b"".join(many[:41]))
    world.pull(0, ("was shortened or edited", "40 already known"))
    judge(world, before, [str(n) for n in range(1001, 1061)], ())


def _replaced(world: World) -> None:
    before = set(world.rows())
    world.write("new.csv", HEAD + FIRST + SECOND)
    world.pull()
    world.write("new.csv", HEAD + THIRD + FOURTH)
    world.pull(0, ("was replaced by another file",))
    judge(world, before, ALL[:4], ())


def _rotated(world: World) -> None:
    before = set(world.rows())
    world.write("new.csv", HEAD + FIRST)
    world.pull()
    (world.inbox / "new.csv").rename(world.inbox / "new.csv.1")
    with (world.inbox / "new.csv.1").open("ab") as file:
        file.write(SECOND)
    world.write("new.csv", HEAD + THIRD)
    world.pull(0, ("new.csv goes on as new.csv.1",))
    new = set(world.rows()) - before
    world.must(new == set(ALL[:3]), f"stored {new}")


def _growing(world: World) -> None:
    before = set(world.rows())
    world.write("new.csv", HEAD + FIRST + SECOND[:25], resting=False)
    world.pull(0, ("its end is incomplete",))
    judge(world, before, ALL[:1], ())
    world.write("new.csv", HEAD + FIRST + SECOND + THIRD, resting=False)
    world.pull()
    judge(world, before, ALL[:3], ())


def _vanished(world: World) -> None:
    path = world.write("new.csv", b"".join(LINES))
    path.unlink()
    path.symlink_to(world.inbox / "nowhere.csv")
    world.write("z.csv", b"".join(LINES))
    before = set(world.rows())
    world.pull()
    judge(world, before, ALL, ())


def _appended_garbage(world: World) -> None:
    before = set(world.rows())
    path = world.write("new.csv", HEAD + FIRST)
    world.pull()
    with path.open("ab") as file:
        file.write(b"\x00\xff\x00\n" + SECOND)
    world.pull()
    judge(world, before, ALL[:2], (("",),))


def _one_file_missing(world: World) -> None:
    config = 'monitors: [{name: files, kind: tabular, source: {kind: files, path: "${CORPUS}/%s"}}]'
    (world.folder / "m.yaml").write_text(config % "gone.csv")
    world.run("apply", "m.yaml")
    world.run("pull", "files", says=("no file matches", "gone.csv"))
    path = world.write("gone.csv", b"".join(LINES))
    world.run("pull", "files")
    path.unlink()
    world.run("pull", "files", code=1, says=("no file matches", "gone.csv"))
    world.must(len(world.rows("files")) == 6, f"{len(world.rows('files'))} rows")


def _folder_as_path(world: World) -> None:
    (world.folder / "m.yaml").write_text(
        'monitors: [{name: files, kind: tabular, source: {kind: files, path: "${CORPUS}"}}]'
    )
    world.run("apply", "m.yaml")
    world.run("pull", "files", code=1, says=("is a folder", "*.csv"))


SCENES = [
    scene("Parquet without rows", _no_rows, "parquet"),
    scene("Parquet whose last rows are damaged", _half_damaged, "parquet"),
    scene("a link to a file", _linked),
    scene("a folder under a file's name", _folder),
    scene("a file that cannot be read", _unreadable, "csv", "parquet"),
    scene("a file that shrank", _shrunk),
    scene("a file that was replaced", _replaced),
    scene("a log that was rotated", _rotated),
    scene("a file that is still written", _growing),
    scene("a link that leads nowhere", _vanished),
    scene("garbage appended to a known file", _appended_garbage),
    Case(
        "file shape",
        "a file that is not there yet, and not any more",
        ("csv",),
        _one_file_missing,
        start="empty",
    ),
    Case("file shape", "a folder where a file is expected", ("csv",), _folder_as_path, start="empty"),
]
CASES = SCENES
