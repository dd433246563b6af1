"""What both kinds of backup have in common: what is known of a file, and how it comes to its place."""

import glob
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from monitor.domain.errors import MonitorError
from monitor.storage.crash import fail_point
from monitor.storage.database import Database

MAGIC = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
Prepare = Callable[[Database], None]


class Unusable(MonitorError):
    """A backup cannot be made, or cannot be used."""


@dataclass(frozen=True)
class Copy:
    """A backup that was verified. kind: sqlite or postgresql; revision: the schema it is at, None where it has none."""

    file: Path
    kind: str
    revision: str | None
    size: int
    sha256: str


def described(file: Path, kind: str, revision: str | None) -> Copy:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Copy(file, kind, revision, file.stat().st_size, digest)


def kind_of(file: Path) -> str:
    with file.open("rb") as opened:
        begins = opened.read(16)
    for magic, kind in MAGIC.items():
        if begins.startswith(magic):
            return kind
    raise Unusable(f"{file} is no backup: it is neither a SQLite file nor an archive of pg_dump")


@contextmanager
def beside(file: Path) -> Iterator[Path]:
    """An empty file beside ``file`` to write into; what is left of it at the end is taken away."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    _sweep(file)
    part.touch(0o600)  # it holds customers' rows
    try:
        yield part
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def _sweep(file: Path) -> None:
    """Take away what a process that was killed left: it holds customers' rows too."""
    for left in file.parent.glob(f".{glob.escape(file.name)}.*.part*"):
        number = left.name.removeprefix(f".{file.name}.").partition(".")[0]
        if number.isdigit() and (int(number) == os.getpid() or not psutil.pid_exists(int(number))):
            left.unlink(missing_ok=True)


def settle(part: Path, file: Path) -> None:
    """Give a whole file its name, so that whoever looks finds all of it or nothing, also after a power cut."""
    _to_disk(part)
    fail_point("copy.whole")
    part.replace(file)
    _to_disk(file.parent)


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
