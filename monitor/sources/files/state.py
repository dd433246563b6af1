"""What is remembered of each file, and whether it is still the file it was."""

import hashlib
from typing import Any, BinaryIO, Literal

from monitor.sources.files.listing import Found

HEAD = 4096  # bytes at the start that tell one file from another
NONE = [0, hashlib.blake2b(b"", digest_size=12).hexdigest()]
Judgement = Literal["same", "edited", "replaced", "unreadable"]
State = dict[str, Any]  # offset, line, columns, delimiter, head, tail, size, stamp, origin, pending, more


def fresh(name: str, generation: int = 1) -> State:
    """A file of which nothing was read; ``origin`` stands before the line number in each row's identity."""
    origin = name if generation == 1 else f"{name}@{generation}"
    return {"offset": 0, "line": 1, "origin": origin, "pending": True}


def restart(state: State) -> State:
    """The same file from its start: unchanged lines keep their identity, so they are known already."""
    return {"offset": 0, "line": 1, "origin": state["origin"], "pending": True}


def unchanged(state: State, found: Found) -> bool:
    """Nothing to read; looked at again only when written to, or when what waited in it may be complete now."""
    same = state.get("size") == found.size and state.get("stamp") == found.stamp
    waits = state["pending"] and found.settled != state.get("settled")
    return same and not waits and not state.get("more")


def judge(state: State, stream: BinaryIO) -> Judgement:
    """Compare the remembered first and last bytes with those that are there now.

    same:     what was read is still there; go on behind it.
    edited:   it begins as it did, but is shorter or differs further down.
    replaced: it is another file under the same name (a rotated log, a new export).
    """
    head, tail = state.get("head", NONE), state.get("tail", NONE)
    if sum_of(stream.read(head[0])) != head[1]:
        return "replaced"
    stream.seek(state["offset"] - tail[0])
    return "same" if sum_of(stream.read(tail[0])) == tail[1] else "edited"


def remember(state: State, tail: bytes, stream: BinaryIO) -> None:
    """Keep the sums of the first bytes and of the last ones read."""
    if tail:
        state["tail"] = [len(tail), sum_of(tail)]
    covered = min(HEAD, state["offset"])
    if covered and state.get("head", NONE)[0] < covered:
        stream.seek(0)
        state["head"] = [covered, sum_of(stream.read(covered))]


def sum_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()
