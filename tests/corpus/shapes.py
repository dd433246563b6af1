"""Files of bad shape: what stands between good rows, around them, or in their place."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from .case import Case
from .rows import csv_bytes, good, parquet_bytes
from .world import World

Words = tuple[str, ...]
LINES = csv_bytes([good(n) for n in range(1001, 1007)]).splitlines(keepends=True)
HEAD, FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = LINES
WIDTH = len(HEAD.split(b","))
TABBED = b"".join(LINES).replace(b", as", b"; as").replace(b'"', b"").replace(b",", b"\t")
ALL = [str(n) for n in range(1001, 1007)]


def pulled(
    name: str, content: bytes, keys: list[str], reasons: tuple[Words, ...] = (), *, says: Words = (), code: int = 0,
    file: str = "new.csv", group: str = "file shape",
) -> Case:  # fmt: skip
    """A file whose rows with these keys are stored, and for each reason one row or file is quarantined."""

    def play(world: World) -> None:
        before = set(world.rows())
        world.write(file, content)
        world.pull(code, says)
        judge(world, before, keys, reasons)
        world.pull(code)  # and nothing comes twice
        judge(world, before, keys, reasons)

    return Case(group, name, ("parquet" if file.endswith(".parquet") else "csv",), play)


def judge(world: World, before: set[str], keys: list[str], reasons: tuple[Words, ...]) -> None:
    new = [key for key in world.rows() if key not in before]
    world.must(new == keys, f"stored {new[:20]}, expected {keys[:20]}")
    aside = world.quarantined()
    world.must(len(aside) == len(reasons), f"{len(aside)} quarantined, expected {len(reasons)}: {aside[:3]}")
    for row, words in zip(aside, reasons, strict=False):
        for word in words:
            world.must(word in row["reason"], f"the reason does not say {word!r}: {row['reason']}")


def between(name: str, line: bytes, reason: Words) -> Case:
    """A bad line between good ones."""
    return pulled(name, HEAD + FIRST + SECOND + line + THIRD + FOURTH, ALL[:4], (reason,))


RAGGED = [
    between("a line of too few cells", b"9,2025-03-01\n", (f"2 fields where the header has {WIDTH}",)),
    between("a line of too many cells", FIFTH.strip() + b",7,8\n", (f"{WIDTH + 2} fields where",)),
    between("a quote that is never closed", b'9,"2025-03-01\n', ("quote", "expected a delimiter")),
    between("text behind a closing quote", b'9,"x"y' + b",1" * (WIDTH - 2) + b"\n",
            ("closing quote", "expected a delim")),
    between("a carriage return inside a cell", FIFTH.replace(b"shop", b"sh\rop"), ("carriage return",)),
    between("a NUL inside a cell", FIFTH.replace(b"terminal", b"ter\0minal"), ("NUL",)),
    between("a header in the middle", HEAD, ("repeats the header",)),
    between("a line of another delimiter", FIFTH.replace(b",", b";"), ("where the header has",)),
    between("words that are no row", b"-- 5 rows follow --\n", ("1 field where the header has",)),
    between("a total at the end", b"Total,,,500" + b"," * (WIDTH - 4) + b"\n", ("at: got",)),
    between("a line of ten thousand delimiters", b"," * 10_000 + b"\n", ("10,001 fields where",)),
    pulled("a line of quotes alone", HEAD + FIRST + b'"' * 7 + b"\n" + SECOND, ALL[:2], (("quote",),)),
    pulled("blank lines", HEAD + b"\n\n" + FIRST + b"\r\n" + SECOND + b"\n", ALL[:2]),
    pulled("no newline at the end", HEAD + FIRST + SECOND.rstrip(b"\n"), ALL[:2]),
    pulled("a last line that is cut", HEAD + FIRST + SECOND[:20], ALL[:1], (("fields where the header",),)),
    pulled("line ends of Windows", b"".join(LINES).replace(b"\n", b"\r\n"), ALL),
    pulled("line ends of old Macs", b"".join(LINES).replace(b"\n", b"\r"), [],
           (("carriage returns alone as line ends", "expected line feeds"),)),
    pulled("line ends of both kinds", HEAD + FIRST.replace(b"\n", b"\r\n") + SECOND, ALL[:2]),
]  # fmt: skip

ENCODINGS = [
    pulled("a byte order mark", b"\xef\xbb\xbf" + b"".join(LINES), ALL),
    pulled("Latin-1 in one line", HEAD + FIRST.replace(b"terminal", "Gerät".encode("latin-1")) + SECOND, ALL[:2],
           says=("not in UTF-8, read as Latin-1",)),
    pulled("UTF-16", b"".join(LINES).decode().encode("utf-16"), [], (("UTF-16", "expected UTF-8"),)),
    pulled("UTF-16 without a mark", b"".join(LINES).decode().encode("utf-16-le"), [], (("NUL",),)),
    pulled("UTF-32", b"".join(LINES).decode().encode("utf-32"), [], (("UTF-",),)),
    pulled("bytes of no encoding", HEAD + FIRST.replace(b"terminal", b"\x81\x8d\xff\xfe") + SECOND, ALL[:2],
           says=("Latin-1",)),
    pulled("NULs alone", b"\0" * 5000, [], (("NUL",),)),
]  # fmt: skip

HEADERS = [
    pulled("an empty file", b"", []),
    pulled("a header alone", HEAD, []),
    pulled("a header without its end", HEAD.strip(), []),
    pulled("values where the header should be", b"1,2,3\n4,5,6\n", [], (("values where a header is expected",),)),
    pulled("a header with spaces around its names", HEAD.replace(b",", b" , ") + FIRST, ALL[:1]),
    pulled("a header in quotes", b'"' + HEAD.strip().replace(b",", b'","') + b'"\n' + FIRST, ALL[:1]),
    pulled("tabs for commas", TABBED, ALL),
    pulled("a column without a name", HEAD.strip() + b",\n" + FIRST.strip() + b",x\n", ALL[:1],
           says=("new columns are ignored", f"column_{WIDTH + 1}")),
    pulled("a column whose name is blank", HEAD.strip() + b",   \n" + FIRST.strip() + b",x\n", ALL[:1],
           says=("new columns are ignored",)),
    pulled("a column twice", HEAD.strip() + b",amount\n" + FIRST.strip() + b",7\n", ALL[:1], says=("amount.1",)),
    pulled("a line of a megabyte before the header", b"#" * (1 << 20) + b"\n" + b"".join(LINES), [],
           (("a first line of more than",),)),
    pulled("a quote in the header that is never closed", HEAD.replace(b"amount", b'"amount') + FIRST, [],
           (("a header that cannot be read",),)),
    pulled("a comment before the header", b"# made by the till\n" + HEAD + FIRST, [],
           ((f"{WIDTH} fields where the header has 1",),) * 2),
    pulled("2,000 columns more", HEAD.strip() + b"".join(b",x%d" % n for n in range(2000)) + b"\n" + FIRST.strip()
           + b",1" * 2000 + b"\n", ALL[:1], says=("new columns are ignored",)),
]  # fmt: skip


def _bomb() -> bytes:
    return gzip.compress(HEAD + FIRST + b"a" * (48 << 20) + b"\n" + SECOND)


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a.csv", b"".join(LINES))
    return stream.getvalue()


WHOLE = gzip.compress(b"".join(LINES) * 50)
PACKED = [
    pulled("gzip", gzip.compress(b"".join(LINES)), ALL, file="new.csv.gz"),
    pulled("bzip2", bz2.compress(b"".join(LINES)), ALL, file="new.csv.bz2"),
    pulled("xz", lzma.compress(b"".join(LINES)), ALL, file="new.csv.xz"),
    pulled("gzip that is cut before its first row", gzip.compress(b"".join(LINES))[:40], [],
           (("packed data that end early",),), file="new.csv.gz"),
    pulled("plain text under the name of gzip", b"".join(LINES), [], (("packed data that end early or are damaged",),),
           file="new.csv.gz"),
    pulled("gzip under the name of plain text", gzip.compress(b"".join(LINES)), [], (("gzip",),)),
    pulled("a zip archive", _zip(), [], (("zip",),)),
    pulled("a zip archive by its name", _zip(), [], (("zip",),), file="new.zip"),
    pulled("a spreadsheet by its name", _zip(), [], (("zip",),), file="new.xlsx"),
    pulled("a line of 48 MB, packed small", _bomb(), ALL[:2], (("a line of more than",),), file="new.csv.gz"),
]  # fmt: skip


def _table(**columns: object) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


PARQUET = parquet_bytes([good(n) for n in range(1001, 1007)], {})
BROKEN = ("cannot be read as Parquet",)
PARQUETS = [
    pulled("Parquet that is cut", PARQUET[: len(PARQUET) // 2], [], (BROKEN,), file="new.parquet"),
    pulled("Parquet whose middle is damaged", PARQUET[:200] + b"\xff" * 400 + PARQUET[600:], [], (BROKEN,),
           file="new.parquet"),
    pulled("an empty file named Parquet", b"", [], (BROKEN,), file="new.parquet"),
    pulled("CSV under the name of Parquet", b"".join(LINES), [], (BROKEN,), file="new.parquet"),
    pulled("Parquet under the name of CSV", PARQUET, [], (("is a Parquet file", "format: parquet"),)),
    pulled("Parquet of other columns", _table(x=[1, 2]), [], says=("no longer has id",), code=1, file="new.parquet"),
    pulled("Parquet of no column", _table(), [], file="new.parquet"),
]  # fmt: skip


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
    path = world.write("new.csv", b"".join(LINES))
    path.unlink()
    path.symlink_to("/proc/1/mem" if os.geteuid() else "/proc/self/mem")  # what not even root can read
    world.pull(1, ("new.csv",))
    judge(world, before, [], ())
    path.unlink()
    world.write("new.csv", b"".join(LINES))
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
    scene("a file that cannot be read", _unreadable),
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
CASES = [*RAGGED, *ENCODINGS, *HEADERS, *PACKED, *PARQUETS, *SCENES]
