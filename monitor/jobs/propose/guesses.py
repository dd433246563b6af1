"""What a table's columns are for, guessed from their names and their first rows; each guess says why."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from monitor.domain.field import Schema
from monitor.domain.writing import counted

REGULAR = 0.8  # share of steps between rows that are about the usual one, for rows to be samples of a sensor
RARE = 0.001
SHARED = 0.8  # distinct values a row, above which a column names rows and not whose they are
TOLD = 20  # distinct values of a column that gives the label away; more tell every row apart anyway
ANY = re.compile("")
IDENTITY = re.compile(r"(^|_)(id|uuid|key|no|number)$|Id$", re.ASCII)
EVENT = re.compile(r"time|date|stamp|_at$|^at$|^ts$", re.IGNORECASE)
TRUTH = re.compile(
    r"(^|_)(label|fraud|anomal(y|ous)|outlier|failure|fault|defect|attack|abnormal)$", re.IGNORECASE
)
WORTH = re.compile(r"(^|_)(amount|value|price|total|cost)$", re.IGNORECASE)
WHOSE = re.compile(
    r"^(customer|card|account|user|client|device|machine|sensor|unit|engine|host|line|station|asset|vehicle|meter)"
    r"(_?(id|no|number|name))?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Look:
    """The first rows as fields of their types, and what was settled about them so far."""

    rows: pd.DataFrame
    schema: Schema
    settled: dict[str, Any]

    def of(self, pattern: re.Pattern[str], *types: Any) -> list[str]:
        return [n for n in self.schema.of(*types) if pattern.search(n) and n not in self._taken()]

    def _taken(self) -> set[str]:
        """Columns that have a part already."""
        parts = [
            self.settled[p]
            for p in ("label", "exclude", "key", "time", "entity", "value")
            if p in self.settled
        ]
        return {name for part in parts for name in (part if isinstance(part, list) else [part])}


Guess = tuple[Any, str] | None  # the value, and why


def label(look: Look) -> Guess:
    for name in look.of(TRUTH, "number", "integer", "boolean"):
        values = look.rows[name].dropna().astype(float)
        if set(values.unique()) <= {0.0, 1.0} and values.mean() <= 0.5:
            why = f"{name} holds only 0 and 1 and is named like known truth: for evaluation, never shown to the model"
            return name, why
    return None


def exclude(look: Look) -> Guess:
    """Columns that give the label away: each of their values goes with one label."""
    truth = look.settled.get("label")
    if truth is None or look.rows[truth].sum() < TOLD:
        return None
    names = [n for n in look.schema.names if n != truth and 1 < look.rows[n].nunique() <= TOLD]
    told = [n for n in names if look.rows.groupby(n, dropna=False)[truth].nunique().max() == 1]
    return (told, f"known only once the truth is: each value goes with one {truth}") if told else None


def key(look: Look) -> Guess:
    named = look.of(IDENTITY, "text", "integer", "category", "number")
    unique = [n for n in named if look.rows[n].notna().all() and look.rows[n].is_unique]
    return (
        ([unique[0]], f"{unique[0]} is different in each of the first {counted(len(look.rows), 'row')}")
        if unique
        else None
    )


def time(look: Look) -> Guess:
    times = look.schema.of("time")
    name = next((n for n in times if EVENT.search(n)), times[0] if times else None)
    return (name, f"{name} reads as a time; if it has no zone, UTC is meant") if name else None


def entity(look: Look) -> Guess:
    for name in look.of(WHOSE, "category", "text", "integer", "number"):
        values = look.rows[name].dropna()
        whole = values.dtype.kind != "f" or bool((values % 1 == 0).all())
        if whole and 2 <= (distinct := values.nunique()) <= SHARED * len(values):
            return (
                name,
                f"{name} has {counted(distinct, 'value')} in {counted(len(values), 'row')}: whose row it is",
            )
    return None


def kind(look: Look) -> Guess:
    when, whose = look.settled.get("time"), look.settled.get("entity")
    if when is None:
        return "tabular", "there is no time, so a row stands alone"
    ordered = look.rows.sort_values(when, kind="stable")
    grouped = ordered.groupby(whose, dropna=False)[when] if whose else ordered[when]
    steps = grouped.diff().dt.total_seconds().dropna()
    usual = steps.median() if len(steps) else 0.0
    near = float(((steps - usual).abs() <= 0.25 * usual).mean()) if usual > 0 else 0.0
    numbers, others = len(look.of(ANY, "number", "integer")), len(look.of(ANY, "category", "boolean"))
    if near >= REGULAR and numbers > others:
        return "sensor", f"{near:.0%} of the rows come {usual:g} s after the one before: samples of a sensor"
    return "tabular", "rows come at irregular times, so a row stands alone"


def value(look: Look) -> Guess:
    names = look.of(WORTH, "number", "integer") if look.settled.get("kind") == "tabular" else []
    return (names[0], f"{names[0]} is named like money at risk: alerts are ranked by it") if names else None


def alerts(look: Look) -> Guess:
    if look.settled.get("time") is None:
        return {
            "p_value": RARE
        }, "one row in a thousand; without a time nobody knows how many rows make a day"
    return {
        "budget": 20
    }, "the default: how many a day somebody can look at; no training is needed to change it"


GUESSES: dict[str, Callable[[Look], Guess]] = {
    "label": label, "exclude": exclude, "key": key, "time": time, "entity": entity, "kind": kind, "value": value,
    "alerts": alerts,
}  # fmt: skip
