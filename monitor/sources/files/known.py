"""Every file seen so far, by the name it has now."""

from dataclasses import dataclass
from typing import BinaryIO, Self

from monitor.sources.base import Cursor
from monitor.sources.files import parquet
from monitor.sources.files.listing import Found
from monitor.sources.files.state import Judgement, State, fresh, judge, restart


@dataclass
class Known:
    """files: name -> state; generations: name -> how many files have gone by it, where more than one."""

    files: dict[str, State]
    generations: dict[str, int]

    @classmethod
    def of(cls, cursor: Cursor) -> Self:
        files = {name: dict(state) for name, state in cursor.get("files", {}).items()}
        return cls(files, dict(cursor.get("generations", {})))

    def cursor(self) -> Cursor:
        return {"files": self.files, "generations": self.generations}

    def recognise(self, written: list[Found], there: set[str], form: str) -> list[str]:
        """Give every written file the state to go on from; returns what a person should know.

        written: files that are new or were written to; there: the names of all that were found.
        """
        notices: list[str] = []
        free = {name: state for name, state in self.files.items() if name not in there and state["offset"]}
        strangers = []
        for file in written:
            state = self.files.get(file.name)
            judgement = _judge(file, state, form) if state else "new"
            if judgement == "edited" and state:
                self.files[file.name] = restart(state)
                notices.append(
                    f"{file.name} was shortened or edited; it is read again, known rows are recognised"
                )
            elif judgement not in ("same", "unreadable"):  # reading it says what is wrong
                strangers.append(file)
                free |= {file.name: state} if state else {}
        replaced = set(free)
        notices += [self._name(file, file.name in replaced, free, form) for file in strangers]
        for name in replaced - set(free) - there:
            del self.files[name]
        return [n for n in notices if n]

    def _name(self, file: Found, replaced: bool, free: dict[str, State], form: str) -> str:
        """A stranger is a known file under a new name, or a new one."""
        former = _match(file, {n: s for n, s in free.items() if n != file.name}, form)
        if replaced:
            self.generations.setdefault(file.name, 1)
        if former is not None:
            self.files[file.name] = free.pop(former)
            self.generations.setdefault(former, 1)
            return f"{former} goes on as {file.name}"
        self.files[file.name] = self._fresh(file.name)
        if not replaced:
            return ""
        return f"{file.name} was replaced by another file; it is read from its start, and only a key tells known rows"

    def _fresh(self, name: str) -> State:
        """A name that stood for another file before gets a new generation: what it brings are other rows."""
        if name in self.generations:
            self.generations[name] += 1
        return fresh(name, self.generations.get(name, 1))


def _judge(file: Found, state: State, form: str) -> Judgement:
    if state.get("size") == file.size and state.get("stamp") == file.stamp:
        return "same"
    with file.open() as stream:
        return _compare(file, state, stream, form)


def _match(file: Found, free: dict[str, State], form: str) -> str | None:
    """The name of the state that belongs to this file's content."""
    if not free:
        return None
    with file.open() as stream:
        return next((n for n, s in free.items() if _compare(file, s, stream, form) == "same"), None)


def _compare(file: Found, state: State, stream: BinaryIO, form: str) -> Judgement:
    stream.seek(0)
    packed = form == "parquet" or (form == "auto" and file.parquet)
    return parquet.judge(state, stream) if packed else judge(state, stream)
