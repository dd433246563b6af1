"""CSV and Parquet, one path, glob or fsspec URL: new files, and what was appended to known ones, each row once."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from monitor.domain.errors import SourceRefused, SourceUnavailable
from monitor.domain.field import Schema
from monitor.domain.monitor import FilesSource
from monitor.domain.run import NO_FILE
from monitor.sources.base import PAGE, Batch, Cursor, resolved
from monitor.sources.files import delimited, parquet
from monitor.sources.files.header import LARGEST, Unreadable, read_header
from monitor.sources.files.known import Known
from monitor.sources.files.listing import WILD, Found, find
from monitor.sources.files.packed import ENDS_EARLY, damaged
from monitor.sources.files.page import Page, shorten
from monitor.sources.files.state import State, remember, unchanged


class Files:
    """Rows of files, identified by file and line.

    The cursor keeps a state a file (see ``state``). A file that shrank or begins differently is noticed: a file
    edited in place keeps its rows' identities, one that was replaced gets new ones, a renamed one is recognised.

    >>> Files(FilesSource(kind="files", path="exports/*.csv")).read({})  # doctest: +SKIP
    """

    def __init__(
        self,
        config: FilesSource,
        *,
        zone: str = "UTC",
        schema: Schema | None = None,
        late: timedelta = timedelta(0),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """zone, late: unused, times stay text and lines in order. schema: so that pinned numbers are parsed as such."""
        self._config, self._clock = config, clock
        pinned = schema.fields if schema else ()
        self._numbers = {f.name: str(f.type) for f in pinned if f.type in ("number", "integer")}

    def read(self, cursor: Cursor, limit: int = PAGE) -> Batch:
        path, _ = resolved(self._config.path)
        try:
            return self._read(find(path, self._clock()), cursor, limit)
        except PermissionError as fault:
            raise SourceRefused(f"no access to {fault.filename or self._config.path}") from None
        except FileNotFoundError as fault:
            raise SourceUnavailable(
                f"{fault.filename or self._config.path} went away while it was read"
            ) from None
        except OSError as fault:
            raise SourceUnavailable(
                f"cannot read {fault.filename or self._config.path}: {fault.strerror or fault}"
            ) from None

    def _read(self, found: list[Found], cursor: Cursor, limit: int) -> Batch:
        known = Known.of(cursor)
        todo = [f for f in found if not (f.name in known.files and unchanged(known.files[f.name], f))]
        notices = [] if found else [self._nothing_there(known)]
        notices += known.recognise(todo, {f.name for f in found}, self._config.format)
        pages: list[Page] = []
        left, more = limit, False
        for place, file in enumerate(todo):
            page = self._look(file, known.files[file.name], left)
            if not _fits(page, pages):
                more = True
                break
            pages.append(page)
            known.files[file.name] = page.state
            notices += [f"{file.name}: {n}" for n in page.notices]
            left -= len(page)
            more = page.more or (left <= 0 and place + 1 < len(todo))
            if more:
                break
        return _batch(pages, known.cursor(), more, notices)

    def _nothing_there(self, known: Known) -> str:
        """A glob, or a file that was never there, may be waiting for its first file; one that went away is a fault."""
        words = f"{NO_FILE} {self._config.path!r}; put one there, or correct the path"
        if known.files and not WILD.search(self._config.path):
            raise SourceUnavailable(words)
        return words

    def _look(self, file: Found, state: State, limit: int) -> Page:
        seen = {"size": file.size, "stamp": file.stamp, "settled": file.settled}
        try:
            page = (
                self._parquet(file, state, limit)
                if self._is_parquet(file)
                else self._csv(file, dict(state), limit)
            )
        except Unreadable as fault:
            page = _unreadable(file, state, str(fault))
        page.state = page.state | seen | {"more": page.more}
        if (
            page.state["pending"]
            and not page.more
            and not file.settled
            and not page.state.get("pending_told")
        ):
            page.notices.append(
                "its end is incomplete, and waits until it is written or the file rests for a minute"
            )
            page.state["pending_told"] = True
        return page

    def _is_parquet(self, file: Found) -> bool:
        return self._config.format == "parquet" or (self._config.format == "auto" and file.parquet)

    def _parquet(self, file: Found, state: State, limit: int) -> Page:
        with file.open() as stream:
            return parquet.read_page(stream, state, limit)

    def _csv(self, file: Found, state: State, limit: int) -> Page:
        with file.open() as stream:
            if "columns" not in state:
                header = read_header(stream.read(LARGEST), file.settled)
                if header is None and damaged(stream):
                    raise Unreadable(ENDS_EARLY)
                if header is None:
                    return _nothing(state | {"pending": bool(file.size)})
                state |= {"columns": header.columns, "delimiter": header.delimiter}
                state |= {"offset": header.size, "line": 1 + header.lines}
            page = delimited.read_page(stream, state, limit, self._numbers, file.settled)
            remember(page.state, page.state.pop("end"), stream)
            if damaged(stream) and file.settled and not page.more:
                page.rejected.append((page.state["line"], "", f"from here on the file {ENDS_EARLY}"))
                page.state["pending"] = False
            return page


def _nothing(state: State) -> Page:
    return Page(pd.DataFrame(), np.empty(0, dtype=np.int64), state)


def _unreadable(file: Found, state: State, reason: str) -> Page:
    """A file that still grows may become readable; one at rest is rejected once, and again when it is written."""
    if not file.settled:
        page = _nothing(state | {"pending": True, "pending_told": True})
        page.notices += [] if state.get("pending_told") else [f"{reason}, unless it is still being written"]
        return page
    page = _nothing(state | {"pending": False})
    page.rejected.append((state["line"], shorten(f"{file.name} ({file.size} bytes)"), f"the file {reason}"))
    page.notices.append(reason)
    return page


def _fits(page: Page, pages: list[Page]) -> bool:
    shapes = [p.shape for p in [*pages, page] if len(p.frame)]
    return len(shapes) < 2 or shapes[-1] == shapes[0]


def _batch(pages: list[Page], cursor: Cursor, more: bool, notices: list[str]) -> Batch:
    full = [p for p in pages if len(p.frame)]
    frame = pd.concat([p.frame for p in full], ignore_index=True) if len(full) > 1 else None
    readings = frame if frame is not None else full[0].frame if full else pd.DataFrame()
    origin = pd.Series(pa.concat_arrays([_origin(p) for p in full]).to_pandas() if full else [], dtype="str")
    rejected: list[tuple[str, str, Any]] = [
        (f"{p.state['origin']}:{line}", raw, reason) for p in pages for line, raw, reason in p.rejected
    ]
    columns = ["origin", "raw", "reason"]
    return Batch(
        readings, cursor, origin, pd.DataFrame(rejected, columns=columns, dtype="str"), more, notices
    )


def _origin(page: Page) -> Any:
    return pc.binary_join_element_wise(page.state["origin"], pa.array(page.lines).cast(pa.string()), ":")
