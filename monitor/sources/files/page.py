"""What one look into one file brought."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

RAW = 4096  # characters of a rejected row that are kept


@dataclass
class Page:
    """Rows of one file from where the last look ended.

    frame:    (rows, columns); lines: (rows,) the place of each row, 1 for the file's first line or row.
    rejected: place, raw text, reason.
    state:    what the cursor keeps about the file after these rows.
    more:     rows are left that could be read at once.
    """

    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    state: dict[str, Any]
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    more: bool = False

    def __len__(self) -> int:
        return len(self.frame) + len(self.rejected)

    @property
    def shape(self) -> list[tuple[str, str]]:
        """Pages of one shape go into one batch: a column that one file lacks is never filled in for another."""
        return sorted((str(name), str(kind)) for name, kind in self.frame.dtypes.items())


def shorten(raw: str) -> str:
    """A rejected row as it can be stored anywhere: capped, no NUL, no broken characters."""
    raw = raw.rstrip("\r\n")
    kept = raw if len(raw) <= RAW else raw[:RAW] + f"… ({len(raw)} characters)"
    return kept.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()
