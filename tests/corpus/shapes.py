"""Files of bad shape: what stands between good rows, around them, or in their place."""

import bz2
import gzip
import io
import lzma
import zipfile

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


CASES = [*RAGGED, *ENCODINGS, *HEADERS, *PACKED, *PARQUETS]
