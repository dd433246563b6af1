"""One page of rows from a CSV file: from where the last one ended, as far as the lines are complete."""

from typing import Any, BinaryIO

from monitor.domain.writing import counted
from monitor.sources.files.packed import damaged
from monitor.sources.files.page import Page, shorten
from monitor.sources.files.taking import LONGEST, Format, Taken, give_up, take

SAMPLE = 64 << 10  # bytes, to guess how long a row is
TAIL = 1024  # bytes at the end of what was read, by which the file is recognised


def read_page(
    stream: BinaryIO, state: dict[str, Any], limit: int, numbers: dict[str, str], final: bool
) -> Page:
    """Up to ``limit`` rows from ``state['offset']`` on.

    final: no more text is expected soon, so a last line without its end is a row.
    """
    stream.seek(state["offset"])
    skipped = _rest_of_line(stream, state)
    layout = Format(state["columns"], state["delimiter"], numbers)
    block, ended = _read_block(stream, limit, state.get("row_bytes", 0))
    while True:
        rested = ended and final and not damaged(stream)
        open_end = rested and bool(block) and not block.endswith(b"\n")
        whole = block + b"\n" if open_end else block
        taken = take(whole, layout, limit, rested, ended)
        if taken.size or ended or len(block) >= LONGEST:
            break
        further = stream.read(len(block))
        block, ended = block + further, not further
    if not taken.size and len(block) >= LONGEST:
        taken = give_up(block, layout, limit)
    return _page(whole, taken, state, ended, open_end, skipped)


def _page(
    block: bytes,
    taken: Taken,
    state: dict[str, Any],
    ended: bool,
    open_end: bool,
    skipped: list[tuple[int, str, str]],
) -> Page:
    line, used = state["line"], min(taken.size, len(block) - open_end)
    torn = open_end and taken.size == len(block)
    midline = "torn" if torn else "long" if taken.size and not taken.count else ""
    new = state | {"offset": state["offset"] + used, "line": line + taken.count - torn, "midline": midline}
    rest = block[taken.size :]
    page = Page(
        taken.frame, taken.at + line, new, skipped + [(a + line, shorten(r), w) for a, r, w in taken.rejected]
    )
    page.more = bool(taken.size) and (not ended or b"\n" in rest)
    new["pending"] = bool(rest) or not ended
    new["row_bytes"] = -(-taken.size // taken.count) if taken.count else state.get("row_bytes", 0)
    new["end"] = block[max(0, used - TAIL) : used]
    if taken.recoded:
        page.notices.append(
            f"{counted(taken.recoded, 'line')} from line {line} on not in UTF-8, read as Latin-1"
        )
    return page


def _rest_of_line(stream: BinaryIO, state: dict[str, Any]) -> list[tuple[int, str, str]]:
    """What still belongs to a line that was taken before its end was there."""
    kind = state.get("midline")
    if not kind:
        return []
    line, shown = state["line"], b""
    while part := stream.readline(LONGEST):
        shown = shown or part
        state["offset"] += len(part)
        if part.endswith(b"\n"):
            state["line"], state["midline"] = line + 1, ""
            break
    if kind == "long" or not shown.strip(b"\r\n"):
        return []
    reason = (
        "continues a line that was read as complete after the file had rested; write whole lines at a time"
    )
    return [(line, shorten(shown.decode("utf-8", "replace")), reason)]


def _read_block(stream: BinaryIO, limit: int, row_bytes: int) -> tuple[bytes, bool]:
    """About as many bytes as ``limit`` rows need, and whether they reach the file's present end."""
    wanted = min(max(SAMPLE, int(row_bytes * limit * 1.05)), LONGEST)
    block = stream.read(wanted)
    if len(block) < wanted or row_bytes:
        return block, len(block) < wanted
    further = min(int(wanted / max(1, block.count(b"\n")) * limit * 1.05) - wanted, LONGEST)
    if further <= 0:
        return block, False
    block += stream.read(further)
    return block, len(block) < wanted + further
