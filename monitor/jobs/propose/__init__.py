"""A first look at somebody's own table: a configuration with a reason for each choice."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitor.domain.errors import SourceRefused
from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.jobs.propose.address import name_of, source_of
from monitor.jobs.propose.guesses import GUESSES, Look
from monitor.sources import open_source
from monitor.sources.quality import admit, infer

ROWS = 20_000  # looked at
__all__ = ["Proposal", "commented", "name_of", "propose", "source_of"]


@dataclass(frozen=True)
class Proposal:
    """A monitor that would watch the source.

    reasons: (key of the configuration, why); fields: (column, what it is taken for and why).
    """

    monitor: Monitor
    schema: Schema
    reasons: list[tuple[str, str]]
    fields: list[tuple[str, str]]


def propose(source: dict[str, Any], name: str, now: datetime) -> Proposal:
    """Read the first rows of a source and propose how to watch it.

    source: as in the configuration, such as ``{"kind": "files", "path": "boiler.csv"}``.

    Raises:
        SourceRefused: it has no rows, or cannot be read.
    """
    plain = Monitor.model_validate({"name": name, "kind": "tabular", "source": source})
    batch = open_source(plain.source).read({}, ROWS)
    rows = batch.readings.head(ROWS)
    if rows.empty:
        first = [f"{r.origin}: {r.reason}" for r in batch.rejected.head(1).itertuples()]
        why = "; ".join(batch.notices or first) or "the source has no rows to look at"
        raise SourceRefused(f"{name}: {why}; add it again when it has rows")
    schema = infer(rows, plain)
    look = Look(admit(replace(batch, readings=rows, origin=None), schema, plain, now).rows, schema, {})
    reasons = []
    for part, guess in GUESSES.items():
        found = guess(look)
        if found is not None:
            look.settled[part] = found[0]
            reasons.append((part, found[1]))
    monitor = Monitor.model_validate(_document(plain, look.settled))
    final = infer(rows, monitor)
    fields = [(f.name, f"{f.type}: {f.reason}") for f in final.fields]
    return Proposal(
        monitor, final, reasons, fields + [(c.name, f"left out: {c.reason}") for c in final.left_out]
    )


def _document(plain: Monitor, settled: dict[str, Any]) -> dict[str, Any]:
    parts = {part: value for part, value in settled.items() if part != "exclude"}
    fields = {"exclude": settled["exclude"]} if "exclude" in settled else {}
    return plain.model_dump(mode="json") | parts | {"fields": fields}


def commented(text: str, reasons: list[tuple[str, str]]) -> str:
    """The YAML of a proposal with each reason above its key.

    >>> print(commented("monitors:\\n  - name: a\\n    kind: sensor\\n", [("kind", "rows come every 60 s")]))
    monitors:
      - name: a
        # rows come every 60 s
        kind: sensor
    <BLANKLINE>
    """
    for part, why in reasons:
        key = "fields" if part == "exclude" else part
        line = "".join(c if c.isprintable() else " " for c in why)  # a column's name may hold anything
        text = re.sub(rf"(?m)^    (?={key}:)", lambda _, line=line: f"    # {line}\n    ", text, count=1)  # type: ignore[misc]  # its default
    return text
