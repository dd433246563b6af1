"""The one contract of a connector."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from monitor.domain.errors import SourceRefused
from monitor.egress import VariableUnset, expand

Cursor = dict[str, Any]  # JSON: where the next read goes on; {} before the first

PAGE = 50_000  # rows a read at most, so that no transaction holds the database for long


@dataclass(frozen=True)
class Batch:
    """What one read brought.

    readings: (rows, columns) as the source types them, index 0..n-1; times may still be text or naive.
    origin:   (rows,) text that says where in the source a row stands ("payments.csv:17"), the row's
              identity where no key is configured; None where the source knows no places (SQL).
    rejected: rows that could not even be parsed; columns ``origin``, ``raw`` (text), ``reason``.
    cursor:   where the next read goes on, to be committed together with the rows.
    more:     another read would bring rows at once.
    notices:  what a person should know (a new column, a file that shrank), in whole sentences.
    """

    readings: pd.DataFrame
    cursor: Cursor
    origin: pd.Series | None = None
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["origin", "raw", "reason"]))
    more: bool = False
    notices: list[str] = field(default_factory=list)

    @property
    def pulled(self) -> int:
        return len(self.readings) + len(self.rejected)


class Source(Protocol):
    """One connector, one file, one class, one verb."""

    def read(self, cursor: Cursor, limit: int = PAGE) -> Batch:
        """Up to about ``limit`` rows after ``cursor``.

        Raises:
            SourceUnavailable: try again later.
            SourceRefused: a person has to change something.
        """
        ...


def resolved(text: str) -> tuple[str, list[str]]:
    """The text with ``${NAME}`` from the environment at this moment, and the secrets to keep out of messages."""
    try:
        return expand(text)
    except VariableUnset as fault:
        raise SourceRefused(str(fault)) from None
