"""Which files a path, glob or URL stands for at this moment."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import fsspec
from fsspec.core import url_to_fs

from monitor.domain.errors import SourceRefused
from monitor.sources.files.packed import unpacked

WILD = re.compile(r"[*?\[]")
APPENDS = {
    "file",
    "local",
    "memory",
    "sftp",
    "ssh",
    "ftp",
    "smb",
    "hdfs",
}  # where a file can still be growing
SETTLED = 60.0  # seconds a growing file has to rest before a last line without its end counts as a row


@dataclass(frozen=True)
class Found:
    """One file: ``name`` is its path below the fixed part of the pattern, ``stamp`` changes when it is written."""

    fs: Any
    path: str
    name: str
    size: int
    stamp: str
    settled: bool

    @property
    def parquet(self) -> bool:
        return self.path.lower().endswith((".parquet", ".pq"))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file's bytes, unpacked where its ending says that it is packed; errors name the file."""
        try:
            with self.fs.open(self.path, "rb") as raw:
                packed = unpacked(raw, self.path)
                if packed is None:
                    yield raw
                else:
                    with io.BufferedReader(packed, 1 << 18) as stream:
                        yield stream
        except OSError as fault:
            fault.filename = fault.filename or self.path
            raise


def find(path: str, now: float) -> list[Found]:
    """The files in order of name.

    now: seconds since the epoch, to judge which files still grow.
    Raises SourceRefused for a path that can never be read.
    """
    fs, inside = _filesystem(path)
    fs.invalidate_cache()
    if not WILD.search(inside):
        if not fs.exists(inside):
            return []
        if fs.isdir(inside):
            raise SourceRefused(
                f"{path!r} is a folder; expected a file or a glob such as {path.rstrip('/')}/*.csv"
            )
        return [_found(fs, inside, PurePosixPath(inside).name, _followed(fs, inside, fs.info(inside)), now)]
    base = inside[: WILD.search(inside).start()].rpartition("/")[0]  # type: ignore[union-attr]  # searched above
    matches = {path: _followed(fs, path, info) for path, info in fs.glob(inside, detail=True).items()}
    return [
        _found(fs, match, match.removeprefix(base).lstrip("/"), info, now)
        for match, info in sorted(matches.items())
        if info["type"] == "file"
    ]


def _followed(fs: Any, path: str, info: dict[str, Any]) -> dict[str, Any]:
    """A link's own size and times say nothing of the file it stands for."""
    if not info.get("islink"):
        return info
    target = os.path.realpath(path)
    return fs.info(target) if os.path.exists(target) else info | {"type": "link"}  # type: ignore[no-any-return]  # fsspec


def _filesystem(path: str) -> tuple[Any, str]:
    if re.search(r"(^|::)https?://", path):
        raise SourceRefused(
            f"files cannot be read from http addresses, got {path.split('?')[0]!r}; download them, or use a bucket"
        )
    try:
        fs, inside = url_to_fs(path)
    except (ValueError, ImportError) as fault:
        known = ", ".join(sorted(fsspec.available_protocols())[:8])
        raise SourceRefused(f"no file system for {path!r}: {fault}; known are {known} and more") from None
    return fs, inside


def _found(fs: Any, path: str, name: str, info: dict[str, Any], now: float) -> Found:
    stamp = info.get("ETag") or info.get("mtime") or info.get("LastModified") or info.get("created") or ""
    stamp = (
        f"{stamp} {info['ino']}" if "ino" in info else str(stamp)
    )  # a log renamed keeps its time, not its name
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    written = info.get("mtime", 0.0) if protocols & APPENDS else 0.0
    age = now - written if isinstance(written, float | int) else SETTLED
    return Found(fs, path, name, int(info["size"]), stamp, age >= SETTLED)
