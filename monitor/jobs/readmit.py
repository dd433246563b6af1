"""Quarantined rows are tried again: after a correction, or once a time that lay ahead is past."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from monitor.domain.errors import MonitorError
from monitor.domain.run import Outcome, Request, Run
from monitor.domain.writing import counted
from monitor.jobs.context import Context
from monitor.sources.base import Batch
from monitor.sources.quality import Admitted, admit, restored, roles
from monitor.storage import audit, erasures, labels, monitors, quarantine, readings, versions
from monitor.storage.monitors import Watched

PAGE = 5_000  # rows a transaction
Rows = list[dict[str, Any]]


def readmit(context: Context, run: Run) -> Outcome:
    """Those that can be used now become readings and leave quarantine in one transaction; the others say why not.

    ``run.counts["only"]``: the rows asked for, without it all. A row whose key came in anew since is known: what the
    source said later stands.

    Raises MonitorError while the monitor has no fields to judge rows by.
    """
    assert run.monitor_id is not None
    totals, after = {"stored": 0, "known": 0, "left": 0, "partly": 0}, 0
    while True:
        with context.database.read() as session:
            watched = monitors.get(session, run.monitor_id)
            rows = quarantine.after(session, run.monitor_id, after, PAGE, run.counts.get("only"))
        if not rows:
            break
        if watched.schema is None:
            name = watched.config.name
            raise MonitorError(
                f"{name} has stored no row yet; correct and apply its configuration, then pull"
            )
        after = rows[-1]["quarantine_id"]
        tried = _try(rows, watched, context.now())
        for part, number in _keep(context, run, watched, tried).items():
            totals[part] += number
    with context.database.read() as session:
        scored = totals["stored"] and versions.champion(session, run.monitor_id) is not None
    follow = [Request("score", run.monitor_id, f"after-{run.run_id}")] if scored else []
    return Outcome(_sentence(totals), totals, follow)


@dataclass(frozen=True)
class Tried:
    """What came of a page of quarantine.

    admitted: its rows and labels under the keys they have in the source; ids, at: of each of these rows in
    quarantine; reasons: of those that cannot be used; partly: rows that cannot be tried.
    """

    admitted: Admitted
    ids: list[int]
    at: list[datetime]
    reasons: dict[int, str]
    partly: int


def _try(rows: Rows, watched: Watched, now: datetime) -> Tried:
    """Judge what is still whole by the gate that turned it away."""
    assert watched.schema is not None
    part = roles(watched.config)
    needed = {*part.required, *watched.schema.names}
    cells = {r["quarantine_id"]: restored(r["raw"]) for r in rows if r["origin"] or part.key}
    whole = {n: found for n, found in cells.items() if found is not None and needed <= found.keys()}
    origin = pd.Series([str(n) for n in whole], dtype="str")  # so that each is found again behind the gate
    frame = pd.DataFrame(list(whole.values()), dtype=object)
    admitted = admit(Batch(frame, {}, origin), watched.schema, watched.config, now)
    aside = admitted.quarantined
    reasons = dict(zip(map(int, aside["origin"].tolist()), aside["reason"].tolist(), strict=True))
    known = {r["quarantine_id"]: r for r in rows}
    ids = [n for n in whole if n not in reasons]
    if not part.key:
        places = {str(n): known[n]["origin"] for n in ids}
        for each in (admitted.rows, admitted.labels):
            each["source_key"] = each["source_key"].map(places).astype("str")
    return Tried(admitted, ids, [known[n]["at"] for n in ids], reasons, len(rows) - len(whole))


def _keep(context: Context, run: Run, watched: Watched, tried: Tried) -> dict[str, int]:
    assert watched.schema is not None
    now, table = context.now(), readings.table(watched.config.table, watched.schema)
    rows = tried.admitted.rows
    with context.write(run) as session:
        came = rows["source_key"].map(readings.arrived(session, table, rows["source_key"].tolist()))
        since = [a == a and a >= at for a, at in zip(came, tried.at, strict=True)]  # NaT is not itself
        erased = erasures.of(session, watched.monitor_id)
        gone = erased.among(set(rows["entity"].dropna())) if erased else set()
        left = pd.Series(since, index=rows.index, dtype=bool) | rows["entity"].isin(list(gone))
        fresh = rows[~left].reset_index(drop=True)
        stored = 0
        if len(fresh):
            done = readings.store(session, table, fresh, watched.next_id, now, run.run_id)
            stored = done.new + done.corrected
            said = tried.admitted.labels
            labels.learn(
                session, watched.monitor_id, said[said["source_key"].isin(fresh["source_key"])], "source", now
            )
        counts = {"stored": stored, "known": len(rows) - stored}
        quarantine.release(session, tried.ids)
        quarantine.explain(session, tried.reasons)
        moved = counts | {"pulled": 0, "quarantined": -len(rows)}
        monitors.advance(session, watched.monitor_id, watched.cursor, [], moved)
        if len(rows):
            audit.append(
                session,
                now,
                run.actor,
                "quarantine.readmitted",
                f"monitor:{watched.config.name}",
                dict(counts),
            )
    return counts | {"left": len(tried.reasons) + tried.partly, "partly": tried.partly}


def _sentence(totals: dict[str, int]) -> str:
    parts = [f"{counted(totals['stored'], 'row')} came in"]
    parts += [f"{totals['known']:,} known already"] if totals["known"] else []
    stay = "stays" if totals["left"] == 1 else "stay"
    parts += [f"{totals['left']:,} {stay} in quarantine"] if totals["left"] else []
    partly = f"; {totals['partly']:,} of them were kept only in part and have to come from the source again"
    return ", ".join(parts) + (partly if totals["partly"] else "")
