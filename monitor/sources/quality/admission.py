"""Which rows of a batch can be used, typed as pinned; the others with the reason why not."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from monitor.domain.errors import SourceRefused
from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.domain.writing import counted
from monitor.sources.base import Batch
from monitor.sources.quality import cells
from monitor.sources.quality.cells import Cells
from monitor.sources.quality.identity import content_hash, key_text, numbered
from monitor.sources.quality.raw import rejections
from monitor.sources.quality.roles import Roles, roles
from monitor.sources.quality.text import Mask, as_text, mask

AHEAD = timedelta(
    days=1
)  # clocks and zones may be wrong by that much; more is a fault that would skew every rate
LONGEST_KEY = 512  # bytes; databases index keys, and their indexes have limits
TRUTH = {"true": True, "yes": True, "y": True, "t": True, "1": True,
         "false": False, "no": False, "n": False, "f": False, "0": False}  # fmt: skip


@dataclass(frozen=True)
class Admitted:
    """A batch after the gate: pulled = len(rows) + len(quarantined).

    rows:        source_key, content_hash (str), event_at (datetime64[us, UTC]), entity (str, NaN where there is
                 none), then the pinned fields: number float64, integer Int64, boolean boolean, time
                 datetime64[us, UTC], category and text str.
    labels:      source_key, value (bool) of the rows whose truth came with them.
    quarantined: origin, raw (JSON text), reason.
    notices:     whole sentences.
    """

    rows: pd.DataFrame
    labels: pd.DataFrame
    quarantined: pd.DataFrame
    notices: list[str] = field(default_factory=list)


def admit(batch: Batch, schema: Schema, monitor: Monitor, now: datetime) -> Admitted:
    """Judge every cell of a batch by the pinned schema.

    now: aware; the event time of rows whose monitor names no time.
    Raises SourceRefused where a column that is pinned or has a role is missing: it is never filled in.
    """
    frame, part = batch.readings, roles(monitor)
    if frame.empty:
        frame = frame.reindex(columns=[*part.required, *schema.names])
    _check_columns(frame, schema, part, monitor)
    judged = {f.name: cells.judge(frame[f.name], f.type, part.zone) for f in schema}
    event = cells.times(frame[part.time], part.zone) if part.time else None
    entity = cells.categories(frame[part.entity]) if part.entity else None
    key = _key(frame, part)
    bad = _faults(frame, judged, part, event, entity, key, now)
    good = np.ones(len(frame), dtype=bool)
    for _, wrong, _ in bad:
        good &= ~wrong
    rows = _rows(batch, judged, event, entity, key, good, now)
    labels, notices = _labels(frame, part, rows, good)
    known = set(schema.names) | set(part.columns) | {left.name for left in schema.left_out}
    fresh = [str(c) for c in frame.columns if c not in known]
    if fresh:
        notices.append(f"new columns are ignored until the schema is renewed: {', '.join(fresh[:10])}")
    return Admitted(rows, labels, rejections(batch, frame, key, bad, good), notices)


def _check_columns(frame: pd.DataFrame, schema: Schema, part: Roles, monitor: Monitor) -> None:
    missing = [n for n in dict.fromkeys([*part.required, *schema.names]) if n not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns[:20]))
        raise SourceRefused(
            f"{monitor.name}: the source no longer has {', '.join(missing)}; expected as pinned, and never filled in; "
            f"its columns are {there}"
        )


def _key(frame: pd.DataFrame, part: Roles) -> pa.Array | None:
    return key_text([frame[name] for name in part.key]) if part.key else None


def _faults(
    frame: pd.DataFrame,
    judged: dict[str, Cells],
    part: Roles,
    event: Cells | None,
    entity: Cells | None,
    key: pa.Array | None,
    now: datetime,
) -> list[tuple[str, Mask, str]]:
    """(field, which rows, what was expected) of every field that has a bad cell."""
    found = [(name, c.bad, c.expected) for name, c in judged.items()]
    if event is not None and part.time is not None:
        found.append((part.time, event.bad | event.values.isna().to_numpy(), event.expected))
        ahead = (event.values > pd.Timestamp(now + AHEAD)).to_numpy(dtype=bool, na_value=False)
        found.append((part.time, ahead & ~event.bad, "a time at most a day ahead of the clock"))
    if entity is not None and part.entity is not None:
        found.append((part.entity, entity.bad, entity.expected))
    found += [
        (name, _bad_key(frame[name]), f"a key of 1 to {LONGEST_KEY} bytes without NUL") for name in part.key
    ]
    return [(name, rows, expected) for name, rows, expected in found if rows.any()]


def _bad_key(column: pd.Series) -> Mask:
    text = as_text(column)
    empty = mask(pc.or_(pc.is_null(text), pc.equal(pc.fill_null(text, ""), "")))
    return (
        empty | mask(pc.greater(pc.binary_length(text), LONGEST_KEY)) | mask(pc.match_substring(text, "\0"))
    )


def _rows(
    batch: Batch,
    judged: dict[str, Cells],
    event: Cells | None,
    entity: Cells | None,
    key: pa.Array | None,
    good: Mask,
    now: datetime,
) -> pd.DataFrame:
    def kept(column: pd.Series) -> pd.Series:
        return column if good.all() else column[good].reset_index(drop=True)

    typed = {name: kept(c.values) for name, c in judged.items()}
    rows = int(good.sum())
    identity = [*typed.values()]
    if event is not None:
        happened = kept(event.values)
        identity.append(happened)
    else:
        happened = pd.Series(pd.Timestamp(now), index=range(rows)).astype("datetime64[us, UTC]")
    whose = kept(entity.values) if entity is not None else pd.Series([None] * rows, dtype="str")
    content = content_hash([*identity, whose])
    if key is not None:
        names = key.filter(pa.array(good))
    elif batch.origin is not None and len(batch.origin):
        names = as_text(kept(batch.origin))
    else:
        names = numbered(content)
    head = {"source_key": _str(names), "content_hash": _str(content), "event_at": happened, "entity": whose}
    return pd.DataFrame(head | typed)


def _str(text: pa.Array) -> pd.Series:
    return pd.Series(text.to_pandas(), dtype="str")


def _labels(
    frame: pd.DataFrame, part: Roles, rows: pd.DataFrame, good: Mask
) -> tuple[pd.DataFrame, list[str]]:
    nothing = pd.DataFrame({"source_key": pd.Series(dtype="str"), "value": pd.Series(dtype="bool")})
    if part.label is None or not len(frame):
        return nothing, []
    if part.label not in frame.columns:
        return nothing, [
            f"the label {part.label} is not among the source's columns; its rows' truth is unknown"
        ]
    said = pd.Series(pc.utf8_lower(as_text(frame[part.label][good])).to_pandas(), dtype="str").str.strip()
    value = said.map(TRUTH)
    strange = said[value.isna() & said.notna() & (said != "")]
    notices = []
    if len(strange):
        some = ", ".join(map(repr, strange.str.slice(0, 40).unique()[:3]))
        notices.append(
            f"{counted(len(strange), 'label')} in {part.label}: neither true nor false, such as {some}; left unknown"
        )
    known = value.notna().to_numpy()
    return pd.DataFrame(
        {
            "source_key": rows["source_key"][known].reset_index(drop=True),
            "value": value[known].to_numpy(dtype=bool),
        }
    ), notices
