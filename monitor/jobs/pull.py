"""From the source into the database: rows, quarantine and cursor in one transaction a page."""

import math
from datetime import datetime

from monitor.domain import writing
from monitor.domain.field import Schema
from monitor.domain.run import Outcome, Request, Run
from monitor.jobs.context import Context
from monitor.sources import open_source
from monitor.sources.base import Batch
from monitor.sources.quality import Admitted, admit, blanked, infer, leave_out
from monitor.storage import erasures, labels, monitors, quarantine, readings, versions
from monitor.storage.database import Session
from monitor.storage.monitors import Watched

FIRST_ROWS = {"tabular": 500, "sensor": 600}  # what a first model is trained on at least
COUNTS = ("pulled", "stored", "quarantined", "known")


def pull(context: Context, run: Run) -> Outcome:
    """Bring in all there is, a page a transaction.

    pulled = stored + quarantined + known, for each page and so for the run.

    Raises:
        SourceUnavailable: what was committed so far stays, and the next run goes on from there.
        SourceRefused: a person has to change something.
    """
    assert run.monitor_id is not None
    totals = dict.fromkeys(COUNTS, 0)
    notices: list[str] = []
    more = True
    while more:
        with context.database.read() as session:
            watched = monitors.get(session, run.monitor_id)
        zone = watched.config.time.zone if watched.config.time else "UTC"
        batch = open_source(
            watched.config.source, zone=zone, schema=watched.schema, late=watched.config.schedule.delay
        ).read(watched.cursor)
        counts, told = _keep(context, run, watched, batch)
        totals = {name: totals[name] + counts[name] for name in COUNTS}
        notices += [notice for notice in told if notice not in notices]
        more = batch.more
    with context.database.read() as session:
        follow = _follow(session, run, monitors.get(session, run.monitor_id))
    return Outcome(_sentence(totals, notices), totals, follow)


def _keep(context: Context, run: Run, watched: Watched, batch: Batch) -> tuple[dict[str, int], list[str]]:
    """Store a page; how many rows became what, and what a person should know."""
    now = context.now()
    schema = watched.schema or (infer(batch.readings, watched.config) if len(batch.readings) else None)
    if schema is None and not len(batch.rejected):
        if batch.cursor != watched.cursor:
            with context.write(run) as session:
                monitors.advance(
                    session, watched.monitor_id, batch.cursor, batch.notices, dict.fromkeys(COUNTS, 0)
                )
        return dict.fromkeys(COUNTS, 0), batch.notices
    admitted = admit(batch, schema, watched.config, now) if schema is not None else None
    bad = admitted.quarantined if admitted else batch.rejected
    with context.write(run) as session:
        left_out = 0
        if erased := erasures.of(session, watched.monitor_id):
            bad = blanked(bad, erased.among)
            admitted, left_out = leave_out(admitted, erased.among) if admitted else (None, 0)
        stored = _store(session, run, watched, schema, admitted, now) if schema and admitted else (0, 0)
        quarantined = quarantine.store(session, watched.monitor_id, bad, run.run_id, now)
        counts = {
            "pulled": batch.pulled,
            "stored": stored[0],
            "quarantined": quarantined,
            "known": stored[1] + len(bad) - quarantined + left_out,
        }
        notices = batch.notices + (admitted.notices if admitted else [])
        monitors.advance(session, watched.monitor_id, batch.cursor, notices, counts)
    return counts, notices


def _store(
    session: Session, run: Run, watched: Watched, schema: Schema, admitted: Admitted, now: datetime
) -> tuple[int, int]:
    table = readings.table(watched.config.table, schema)
    if watched.schema is None:
        monitors.pin(session, watched.monitor_id, schema)
        readings.create(session, table)
    if admitted.rows.empty:
        return 0, 0
    stored = readings.store(session, table, admitted.rows, watched.next_id, now, run.run_id)
    labels.learn(session, watched.monitor_id, admitted.labels, "source", now)
    return stored.new + stored.corrected, stored.known


def _follow(session: Session, run: Run, watched: Watched) -> list[Request]:
    """Scoring where there is a champion; a first training as soon as there is enough, then at each doubling."""
    champion = versions.champion(session, watched.monitor_id)
    if champion is not None:
        waiting = watched.next_id - 1 > champion.scored_through
        return [Request("score", watched.monitor_id, f"after-{run.run_id}")] if waiting else []
    rows, least = watched.next_reading - 1, FIRST_ROWS[watched.config.kind]
    if rows < least or versions.newest_candidate(session, watched.monitor_id) is not None:
        return []
    return [Request("train", watched.monitor_id, f"first-{int(math.log2(rows / least))}")]


def _sentence(totals: dict[str, int], notices: list[str]) -> str:
    parts = [writing.counted(totals["stored"], "new row")]
    parts += [f"{totals['known']:,} already known"] if totals["known"] else []
    parts += [f"{totals['quarantined']:,} quarantined"] if totals["quarantined"] else []
    return "; ".join([", ".join(parts), *notices[:3]])
