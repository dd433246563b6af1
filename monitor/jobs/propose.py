"""A first look at somebody's own table: a configuration with a reason for each choice."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from monitor.domain.errors import SourceRefused
from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.sources import open_source
from monitor.sources.quality import admit, infer

ROWS = 5_000  # looked at
REGULAR = 0.8  # share of steps between rows that are about the usual one, for rows to be samples of a sensor
IDENTITY = re.compile(r"(^|_)(id|uuid|key|no|number)$|Id$", re.ASCII)
EVENT = re.compile(r"time|date|stamp|_at$|^at$|^ts$", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """A monitor that would watch the source; ``reasons`` has (key of the configuration, why)."""

    monitor: Monitor
    schema: Schema
    reasons: list[tuple[str, str]]


def propose(source: dict[str, object], name: str) -> Proposal:
    """Read the first rows of a source and propose how to watch it.

    source: as in the configuration, such as ``{"kind": "files", "path": "boiler.csv"}``.

    Raises:
        SourceRefused: it has no rows, or cannot be read.
    """
    plain = Monitor.model_validate({"name": name, "kind": "tabular", "source": source})
    batch = open_source(plain.source).read({}, ROWS)
    rows = batch.readings.head(ROWS)
    if rows.empty:
        raise SourceRefused(f"{name}: the source has no rows to look at; add it again when it has")
    schema = infer(rows, plain)
    typed = admit(type(batch)(rows, {}), schema, plain, pd.Timestamp.now("UTC").to_pydatetime()).rows
    reasons: list[tuple[str, str]] = []
    document: dict[str, object] = {"name": name, "source": source, "kind": "tabular"}
    key = _key(typed, schema)
    if key:
        document["key"] = [key]
        reasons.append(("key", f"{key} is different in each of the first {len(rows):,} rows"))
    time = _time(schema)
    if time:
        document["time"] = time
        reasons.append(("time", f"{time} reads as a time; times without a zone are taken as UTC"))
    document["kind"], why = _kind(typed, schema, time)
    reasons.append(("kind", why))
    monitor = Monitor.model_validate(document)
    final = infer(rows, monitor)
    reasons += [(f"field {f.name}", f"{f.type}: {f.reason}") for f in final.fields]
    reasons += [(f"left out {c.name}", c.reason) for c in final.left_out]
    return Proposal(monitor, final, reasons)


def source_of(text: str, query: str | None, cursor: list[str]) -> dict[str, object]:
    """What a person typed as a source: a path or glob of files, or a database's address with a query."""
    if query is not None or cursor:
        return {"kind": "sql", "url": text, "query": query, "cursor": cursor}
    path = text if "://" in text else str(Path(text).resolve())
    return {"kind": "files", "path": path}


def name_of(text: str) -> str:
    """A monitor's name from a path or address."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(text.split("?")[0]).stem.lower()).strip("-")
    return (stem if stem[:1].isalpha() else f"m-{stem}".strip("-"))[:40]


def _key(rows: pd.DataFrame, schema: Schema) -> str | None:
    named = [
        f.name for f in schema.fields if IDENTITY.search(f.name) and f.type in ("text", "integer", "category")
    ]
    return next((n for n in named if rows[n].notna().all() and rows[n].is_unique), None)


def _time(schema: Schema) -> str | None:
    times = schema.of("time")
    return next((n for n in times if EVENT.search(n)), times[0] if times else None)


def _kind(rows: pd.DataFrame, schema: Schema, time: str | None) -> tuple[str, str]:
    if time is None:
        return "tabular", "there is no time column, so a row stands alone"
    steps = rows[time].dropna().sort_values().diff().dt.total_seconds().iloc[1:]
    usual = steps.median()
    near = float(((steps - usual).abs() <= 0.25 * usual).mean()) if len(steps) and usual > 0 else 0.0
    numbers = len(schema.of("number", "integer"))
    if near >= REGULAR and numbers >= 0.7 * max(
        1, len(schema.of("number", "integer", "category", "boolean"))
    ):
        return (
            "sensor",
            f"{near:.0%} of the rows follow {usual:g} s after the one before: samples of a sensor",
        )
    return "tabular", "rows come at irregular times, so a row stands alone"
