"""Packed files, read as far as they can be read."""

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import PurePosixPath
from typing import Any, BinaryIO

UNPACK: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)

ENDS_EARLY = "holds packed data that end early or are damaged"


def damaged(stream: Any) -> bool:
    return getattr(getattr(stream, "raw", None), "damaged", False)


def unpacked(raw: BinaryIO, path: str) -> "Packed | None":
    """The unpacking stream that the path's ending asks for, if it asks for one."""
    unpack = UNPACK.get(PurePosixPath(path).suffix.lower())
    return Packed(unpack(raw, "rb")) if unpack else None


class Packed(io.RawIOBase):
    """Where packed data end early, what came before is given out first; ``damaged`` then tells."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.damaged = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            part = self._inner.read1(len(buffer))
        except DAMAGED:
            self.damaged = True
            return 0
        buffer[: len(part)] = part
        return len(part)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return int(self._inner.seek(offset, whence))
        except DAMAGED:
            self.damaged = True
            return offset

    def tell(self) -> int:
        return int(self._inner.tell())

    def close(self) -> None:
        self._inner.close()
        super().close()
