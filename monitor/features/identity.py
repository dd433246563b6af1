"""Columns that say which row it is and not how it is: identifiers, counters and free text."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.domain.writing import counted

FEW = 50  # up to this many distinct texts are categories whatever the number of rows
FEWEST = 20  # rows; of so few that are all different nobody knows
MOSTLY = 0.5  # distinct values a row, beyond which a column names rows
MADE = 0.1  # the same for what only machines write, for prose, and for what rises with the rows
LOOKED_AT = 20_000  # rows, evenly spaced, whose order and spread is judged
RISING = 0.99  # rank correlation with the order of the rows
PROSE = 64  # characters on average
LONG = 9  # digits of telephone numbers, accounts, cards, moments since 1970
DRAWN = 6  # digits of a number that was drawn to name something
LEAST_DRAWN = 200  # rows; with fewer, even is not told from bell-shaped
OVERRULE = "name it under categorical to use it all the same"
MADE_BY_MACHINES = {
    "UUIDs": re.compile(r"\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?", re.I),
    "hashes": re.compile(r"(0x)?(?=.*\d)[0-9a-f]{16,}", re.I),
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}


def named_by_text(known: pd.Series) -> str | None:
    """Why texts (n,), none missing, in the order of their rows, are no categories; None where they are."""
    texts = known.astype(str)
    distinct, rows = texts.nunique(), len(texts)
    share = distinct / max(rows, 1)
    if distinct <= FEW and (distinct < rows or rows < FEWEST):
        return None
    spread = f"{counted(distinct, 'distinct value')} in {counted(rows, 'row')}; {OVERRULE}"
    some = texts.iloc[_evenly(rows)]
    for kind, pattern in MADE_BY_MACHINES.items():
        if share > MADE and some.str.fullmatch(pattern).mean() >= RISING:
            return f"holds {kind}, which name rows: {spread}"
    if share > MADE and _rises(pd.to_numeric(some.str.replace(r"\D", "", regex=True), errors="coerce")):
        return f"counts the rows up, as an identifier does: {spread}"
    if share > MADE and some.str.len().mean() > PROSE:
        return f"looks like free text: {spread}"
    return f"looks like an identifier or free text: {spread}" if share > MOSTLY else None


def named_by_number(numbers: NDArray[np.float64]) -> str | None:
    """Why finite numbers (n,) in the order of their rows are no quantity; None where they may be one.

    A quantity is seldom different in most rows, whole, and either in the order of the rows, of one great length,
    or spread evenly over one length.
    """
    if len(numbers) < FEW or not (numbers == np.rint(numbers)).all():
        return None
    distinct, rows = len(np.unique(numbers)), len(numbers)
    if distinct <= MOSTLY * rows:
        return None
    spread = f"{counted(distinct, 'distinct value')} in {counted(rows, 'row')}; {OVERRULE}"
    some = numbers[_evenly(rows)]
    if _rises(pd.Series(some)):
        return f"counts the rows up, as an identifier does: {spread}"
    lengths = np.floor(np.log10(np.maximum(np.abs(numbers), 1))) + 1
    length = int(lengths[0])
    if not (lengths == length).all() or length < DRAWN:
        return None
    if length >= LONG:
        return f"holds whole numbers of {length} digits each, as identifiers are: {spread}"
    return (
        f"holds numbers of {length} digits drawn evenly, as identifiers are: {spread}"
        if _even(some)
        else None
    )


def _evenly(rows: int) -> NDArray[np.intp]:
    return np.linspace(0, rows - 1, min(rows, LOOKED_AT)).astype(np.intp)


def _rises(numbers: pd.Series) -> bool:
    """Whether nearly each number is larger than those of the rows before."""
    if len(numbers) < FEW or numbers.isna().any() or numbers.nunique() < 2:
        return False
    ranks = numbers.rank().to_numpy()
    return bool(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1] >= RISING)


def _even(numbers: NDArray[np.float64]) -> bool:
    """By the largest distance from an even spread between the ends (Kolmogorov-Smirnov, at 1 %)."""
    if len(numbers) < LEAST_DRAWN:
        return False
    place = (np.sort(numbers) - numbers.min()) / np.ptp(numbers)
    away = np.abs(place - (np.arange(len(place)) + 0.5) / len(place)).max()
    return bool(away <= max(0.02, 1.63 / np.sqrt(len(place))))
