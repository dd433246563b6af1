"""A first look at a source: which columns become fields, of which type, and why."""

import re

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from monitor.domain.field import RESERVED, Field, LeftOut, Schema
from monitor.domain.monitor import Monitor
from monitor.domain.writing import counted
from monitor.features.identity import named_by_text
from monitor.sources.quality import cells
from monitor.sources.quality.roles import roles
from monitor.sources.quality.text import as_text, mask

MOSTLY = 0.95  # share of a column's values that must fit a type; the rest will be quarantined
SEVERAL = 50  # so many distinct values are a set, whatever the number of rows
SHARE = 0.05  # distinct values a row, above which a number named like an identifier is one
WORDS = 64  # characters; longer text on average is prose
NAMED = re.compile(r"(^|[_\s])(id|uuid|guid|key|hash)$|[a-z]Id$|ID$", re.ASCII)
LONGEST_NAME = 59  # bytes; PostgreSQL cuts names at 63, and ours may get a suffix


def infer(frame: pd.DataFrame, monitor: Monitor) -> Schema:
    """Pin a schema from the first rows, respecting what the configuration says.

    frame: (rows, columns) as a source gives them. Every field and every column left out carries its reason.
    """
    part, fields, left = roles(monitor).columns, [], []
    taken: set[str] = set()
    for name in map(str, frame.columns):
        reason = part.get(name) or _unusable(name, monitor, taken)
        if reason is None and not _filled(frame[name]):
            reason = f"no value in the first {counted(len(frame), 'row')}"
        if reason is not None:
            left.append(LeftOut(name=name, reason=reason))
            continue
        taken.add(name.lower())
        fields.append(_field(name, frame[name], monitor))
    return Schema(fields=tuple(fields), left_out=tuple(left))


def _unusable(name: str, monitor: Monitor, taken: set[str]) -> str | None:
    wanted = monitor.fields.include
    if name in monitor.fields.exclude:
        return "excluded by the configuration"
    if wanted is not None and name not in wanted:
        return "not among fields.include"
    if name.lower() in RESERVED:
        return "the name is one of the product's own; rename the column at the source"
    if name.lower() in taken:
        return "differs from another column by capitals alone"
    if len(name.encode()) > LONGEST_NAME or not name.isprintable():
        return f"the name is no column name of at most {LONGEST_NAME} printable bytes"
    return None


def _filled(column: pd.Series) -> bool:
    text = as_text(column)
    return bool(mask(pc.greater(pc.binary_length(text), 0)).any())


def _field(name: str, column: pd.Series, monitor: Monitor) -> Field:
    if name in monitor.fields.categorical:
        return Field(name=name, type="category", reason="categorical by the configuration")
    if name == monitor.value:
        return Field(name=name, type="number", reason="the value at risk")
    if name in monitor.fields.range:
        return Field(name=name, type="number", reason="has a range in the configuration")
    return _typed(name, column, as_text(column).drop_null().to_pandas())


def _typed(name: str, column: pd.Series, text: pd.Series) -> Field:
    text = text[text.str.strip() != ""]
    if pd.api.types.is_bool_dtype(column.dtype) or set(text.str.lower().unique()[:5]) <= {"true", "false"}:
        return Field(name=name, type="boolean", reason="true and false only")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Field(name=name, type="time", reason="a time by the source's own type")
    number = cells.numbers(column)
    if _share(number, column) >= MOSTLY:
        return _numeric(name, column, text, number)
    if _share(cells.times(column, "UTC"), column) >= MOSTLY:
        return Field(name=name, type="time", reason="its values read as times")
    return _words(name, text)


def _share(judged: cells.Cells, column: pd.Series) -> float:
    filled = mask(pc.greater(pc.binary_length(as_text(column)), 0))
    return 1.0 - float(judged.bad[filled].mean())


def _numeric(name: str, column: pd.Series, text: pd.Series, number: cells.Cells) -> Field:
    distinct = text.nunique()
    whole = cells.integers(column)
    if text.str.match(r"^[+-]?0\d+$").any():
        return _words(name, text, "leading zeros: a code, not a quantity")
    if not whole.bad.any() and NAMED.search(name):
        return _code(name, distinct, len(text), "named like an identifier")
    if not whole.bad.any() and _counts(whole.values):
        return Field(name=name, type="text", reason="counts its rows: an identifier, not a quantity")
    if not whole.bad.any() and (whole.values.abs() > cells.EXACT).any():
        return Field(name=name, type="integer", reason="whole numbers beyond 2**53, kept exact")
    stray = int(number.bad.sum())
    return Field(
        name=name, type="number", reason=f"numbers, but for {counted(stray, 'cell')}" if stray else "numbers"
    )


def _counts(values: pd.Series) -> bool:
    """1, 2, 3 ...: each value one above the one before."""
    steps = np.diff(values.dropna().to_numpy(dtype="int64"))
    return len(steps) >= 20 and bool((steps == 1).all())


def _code(name: str, distinct: int, rows: int, why: str) -> Field:
    if distinct <= max(SEVERAL, rows * SHARE):
        return Field(name=name, type="category", reason=f"{why}; {counted(distinct, 'distinct value')}")
    spread = f"{counted(distinct, 'distinct value')} in {counted(rows, 'row')}"
    return Field(name=name, type="text", reason=f"{why}; {spread}")


def _words(name: str, text: pd.Series, why: str = "words") -> Field:
    length = float(text.str.len().mean())
    if length > WORDS:
        return Field(name=name, type="text", reason=f"free text, {length:.0f} characters on average")
    distinct = text.nunique()
    # Few rows tell little, and a type is pinned; each training looks again.
    named = named_by_text(text) if distinct > SEVERAL else None
    if named is not None:
        return Field(name=name, type="text", reason=named)
    return Field(name=name, type="category", reason=f"{why}; {counted(distinct, 'distinct value')}")
