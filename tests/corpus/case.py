"""What a case is, and the words in which the lists say what is expected of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

FILES, TABLES = ("csv", "parquet"), ("sqlite", "postgresql")
EVERY = (*FILES, *TABLES)
Start = Literal["taught", "empty"]  # a monitor with rows and a champion, or a database without a monitor


@dataclass(frozen=True)
class Case:
    """One kind of bad input.

    group: its class; sources: what it is put through, ``-`` where no source takes part; play: does it to a world and
    says what must hold; slow: trains a model or moves much, so that only the benchmark runs it.
    """

    group: str
    name: str
    sources: tuple[str, ...]
    play: Callable[[Any], None]
    start: Start = "taught"
    slow: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


@dataclass(frozen=True)
class Bad:
    """The row is put aside, and its reason holds these words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """The row is stored, with this value in the field."""

    value: Any


@dataclass(frozen=True)
class Refused:
    """The whole batch is refused by a message that holds these words; nothing is stored, nothing is skipped."""

    words: tuple[str, ...]
    code: int = 1


Expected = Bad | Kept | Refused


def bad(*words: str) -> Bad:
    return Bad(words)


ANY = object()  # a value that does not matter


def kept(value: Any = ANY) -> Kept:
    return Kept(value)


def refused(*words: str, code: int = 1) -> Refused:
    return Refused(words, code)
