"""What the champion has not scored yet: scores, outliers and alerts in one transaction a batch."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from monitor.detection.detector import Detector
from monitor.detection.flagging import Before, flag
from monitor.domain import policy, sentence, writing
from monitor.domain.alert import Change, Outlier, Rule, group
from monitor.domain.errors import MonitorError
from monitor.domain.field import Schema
from monitor.domain.run import Outcome, Request, Run
from monitor.jobs.context import Ahead, Context
from monitor.storage import alerts, channels, monitors, outbox, readings, scores, versions
from monitor.storage.carried import REVISED, Carried
from monitor.storage.database import Session
from monitor.storage.monitors import Watched
from monitor.storage.versions import Version

BATCH = 50_000  # rows a transaction at most, so that a verdict never waits long for the database
REMEMBERED = 10_000  # rows a transaction where each brings the past of its entity along
HISTORY = timedelta(days=3)  # of a first replay, what is older than this is shown as history, not as news
COUNTS = ("scored", "flagged", "opened", "notified")
TOLD = {"opened", "confirmed", "escalated"}


def score(context: Context, run: Run) -> Outcome:
    """Score all rows that are waiting, oldest arrival first."""
    assert run.monitor_id is not None
    totals = dict.fromkeys(COUNTS, 0)
    carried = Carried()
    with Ahead(partial(_waiting, context)) as ahead:
        while True:
            with context.database.read() as session:
                watched = monitors.get(session, run.monitor_id)
                champion = versions.champion(session, run.monitor_id)
                replay = versions.first(session, run.monitor_id)
            if champion is None or watched.schema is None:
                return Outcome("no champion yet: the monitor is learning", totals)
            counts = _batch(context, run, watched, champion, replay, ahead, carried)
            if counts is None:
                break
            totals = {name: totals[name] + counts[name] for name in totals}
            if counts["scored"] >= REMEMBERED:
                context.progress(run, 0.0, f"{totals['scored']:,} rows scored")
    follow = [Request("notify", None, f"after-{run.run_id}")] if totals["notified"] else []
    message = (
        f"{writing.counted(totals['scored'], 'row')} scored, {totals['flagged']:,} flagged, "
        f"{writing.counted(totals['opened'], 'alert')} opened"
    )
    return Outcome(message, totals, follow)


@dataclass(frozen=True)
class Stretch:
    """The next rows behind a reading, and what is looked at of each."""

    table: str
    schema: Schema
    after: int
    fields: frozenset[str]
    next_reading: int  # what came since may supersede one of them
    most: int  # rows


def _waiting(context: Context, stretch: Stretch) -> pd.DataFrame:
    table = readings.table(stretch.table, stretch.schema)
    with context.database.read() as session:
        return readings.after(session, table, stretch.after, stretch.most, stretch.fields)


def _batch(
    context: Context,
    run: Run,
    watched: Watched,
    champion: Version,
    replay: bool,
    ahead: Ahead[Stretch, pd.DataFrame],
    carried: Carried,
) -> dict[str, int] | None:
    """One transaction's worth; None when nothing waits, noughts when it has to be read anew.

    replay: the first champion goes through the history.
    """
    assert watched.schema is not None
    now = context.now()
    detector = load(context, champion)
    fields = _fields(watched, detector)
    remembers = _remembers(watched, detector)
    most = REMEMBERED if remembers else BATCH
    stretch = Stretch(
        watched.config.table, watched.schema, champion.scored_through, fields, watched.next_reading, most
    )
    waiting = ahead.take(stretch)
    rows = _due(waiting, now, watched.config.schedule.delay)
    if rows.empty:
        if waiting.empty:
            _skip(context, run, watched, champion)
        return None
    if len(rows) == most:
        ahead.begin(replace(stretch, after=int(rows["reading_id"].max())))
    table = readings.table(watched.config.table, watched.schema)
    with context.database.read() as session:
        if remembers:
            previous = carried.before(session, table, rows, stretch.after, detector.context_rows, fields)
        else:
            previous = readings.before(session, table, rows, detector.context_rows)
        rate = readings.rate(session, table)
        earlier = _earlier(session, watched, table, rows)
        since = rows["event_at"].min().to_pydatetime() - watched.config.alerts.gap
        before = Before(champion.threshold, alerts.ends(session, watched.monitor_id, since))
    found = examine(watched, detector, rows, previous, rate, champion.trained_through, before)
    outliers = settle(found.outliers, rows, watched.config.alerts.of, earlier)
    found = replace(found, outliers=outliers)
    rule = Rule(
        gap=watched.config.alerts.gap,
        min_duration=watched.config.alerts.min_duration,
        cutoff=found.cutoff,
        history_ends=now - HISTORY if replay and _known_before(rows, champion) else None,
    )
    with context.write(run) as session:
        monitors.share(session, watched.monitor_id)
        # corrected, or deleted for their age, since they were read
        if not readings.stand(session, table, rows):
            return dict.fromkeys(COUNTS, 0)
        versions.advance(session, champion, int(rows["reading_id"].max()), found.level)
        scores.store(session, watched.monitor_id, champion.version_id, found.scored, now)
        told = _alerts(session, watched, champion, found, rule, now)
        notified = [(n, c) for n, c in told if c.kind in TOLD and not c.alert.provisional]
        sent = sum(_enqueue(session, watched, change_id, change, now) for change_id, change in notified)
    opened = sum(change.kind == "opened" for _, change in told)
    return {
        "scored": len(rows),
        "flagged": len(found.outliers),
        "opened": opened,
        "notified": sent,
    }


def _skip(context: Context, run: Run, watched: Watched, champion: Version) -> None:
    """Pass what was taken out, or replaced, before it was scored: each pull would ask for it again."""
    last = watched.next_id - 1
    if champion.scored_through >= last:
        return
    assert watched.schema is not None
    table = readings.table(watched.config.table, watched.schema)
    with context.write(run) as session:
        # looked at anew: rows up to ``last`` may have come since the look ahead
        if readings.after(session, table, champion.scored_through, 1, frozenset()).empty:
            versions.advance(session, champion, last, champion.threshold)


def _fields(watched: Watched, detector: Detector) -> frozenset[str]:
    """What a score, its outlier and its ranges look at."""
    value = [watched.config.value] if watched.config.value else []
    own = REVISED if _remembers(watched, detector) else ()
    return frozenset([*detector.fields, *watched.config.fields.range, *value, *own])


def _remembers(watched: Watched, detector: Detector) -> bool:
    return watched.config.kind == "tabular" and detector.context_rows > 0


def _known_before(rows: pd.DataFrame, champion: Version) -> bool:
    """Whether a batch was there already when the champion was decided on: a replay, not news."""
    return champion.decided_at is not None and rows["ingested_at"].iloc[0] <= pd.Timestamp(
        champion.decided_at
    )


def _enqueue(session: Session, watched: Watched, change_id: int, change: Change, now: datetime) -> int:
    """One row for each channel that wants changes of this severity; returns how many."""
    wanting = channels.wanting(session, watched.config.notify, change.alert.severity)
    outbox.enqueue(session, change_id, wanting, now)
    return len(wanting)


def _earlier(session: Session, watched: Watched, table: readings.Table, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows before the batch that a rule such as 2/3 looks back on, with whether they were flagged."""
    back = int(watched.config.alerts.of.split("/")[1]) - 1
    before = readings.before(session, table, rows, back)
    flagged = alerts.flagged(session, before["reading_id"].tolist()) if back else set()
    return before.assign(flagged=before["reading_id"].isin(list(flagged)))


def _due(rows: pd.DataFrame, now: datetime, delay: timedelta) -> pd.DataFrame:
    """Rows in order of arrival up to the first that may still be joined by late ones.

    A row from the future waits for nothing: it would hold up all that arrived after it.
    """
    early = (
        (rows["event_at"] > pd.Timestamp(now - delay)) & (rows["event_at"] <= pd.Timestamp(now))
    ).to_numpy()
    return rows.iloc[: int(early.argmax())] if early.any() else rows


def _alerts(
    session: Session, watched: Watched, champion: Version, found: "Found", rule: Rule, now: datetime
) -> list[tuple[int, Change]]:
    if not found.outliers:
        return []
    since = min(o.event_at for o in found.outliers) - rule.gap
    open_alerts = alerts.growing(session, watched.monitor_id, since)
    mutes = alerts.mutes(session, watched.monitor_id, since)
    changes = group(found.outliers, open_alerts, mutes, rule)
    return alerts.store(
        session, watched.monitor_id, champion.version_id, watched.config.queue, changes,
        found.explanations, found.details, now,
    )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a batch holds: scores for all rows, outliers for the flagged."""

    scored: pd.DataFrame
    outliers: list[Outlier]
    explanations: dict[int, list[dict[str, Any]]]
    details: dict[int, tuple[float, str]]
    cutoff: float
    level: float  # the p-value at which the next row would be flagged


def examine(
    watched: Watched,
    detector: Detector,
    rows: pd.DataFrame,
    previous: pd.DataFrame,
    rate: float,
    trained_through: int,
    before: Before,
) -> Found:
    """Score rows and turn the odd ones into outliers; reads and writes nothing."""
    config = watched.config
    result = detector.score(rows, context=previous, shares=False)
    p_values = result["p_value"].to_numpy()
    if not (np.isfinite(result["score"].to_numpy()).all() and np.isfinite(p_values).all()):
        raise MonitorError("the model gives scores that are not numbers; roll back to an earlier version")
    ranged = {n: out for n, row in _ranged(rows, watched) if (out := policy.outside(row, config.fields))}
    found = flag(detector, config, rows, previous, result, rate, before, ranged)
    bars, explained = found.flags.bars, dict(found.explained)
    odd = sorted({*bars, *ranged})
    new = [n for n in odd if n not in explained]
    explained |= zip(new, detector.explain(rows, new, context=previous) if new else [], strict=True)
    outliers, explanations, details = [], {}, {}
    for n in odd:
        parts = [p | {"unit": config.fields.unit[p["field"]]} if p["field"] in config.fields.unit else p
                 for p in explained[n]]  # fmt: skip
        outside = ranged.get(n, [])
        outlier = _outlier(rows.iloc[n], watched, parts, outside, float(p_values[n]), trained_through)
        bar = bars.get(n, found.cutoff)
        outlier = replace(outlier, bar=bar)
        outliers.append(outlier)
        explanations[outlier.reading_id] = parts
        reason = f"{outside[0]} outside its range" if outside else f"{writing.odds(bar)} or odder"
        details[outlier.reading_id] = (float(result["score"].to_numpy()[n]), reason)
    scored = rows[["reading_id", "event_at"]].assign(
        score=result["score"].to_numpy(),
        p_value=p_values,
        flagged=rows["reading_id"].isin(list(details)).to_numpy(),
    )
    return Found(scored, outliers, explanations, details, found.cutoff, found.flags.level)


def _ranged(rows: pd.DataFrame, watched: Watched) -> list[tuple[int, dict[str, Any]]]:
    names = [name for name in watched.config.fields.range if name in rows]
    columns = [rows[name].tolist() for name in names]
    return [(n, dict(zip(names, values, strict=True))) for n, values in enumerate(zip(*columns, strict=True))]


def _outlier(
    row: pd.Series,
    watched: Watched,
    parts: list[dict[str, Any]],
    outside: list[str],
    p_value: float,
    trained: int,
) -> Outlier:
    value = row.get(watched.config.value) if watched.config.value else None
    why, brief = sentence.why(parts, outside)
    return Outlier(
        reading_id=int(row["reading_id"]),
        entity=None if pd.isna(row["entity"]) else str(row["entity"]),
        event_at=row["event_at"].to_pydatetime(),
        p_value=p_value,
        value=None if value is None or pd.isna(value) else float(value),
        why=why,
        brief=brief,
        fields=tuple(str(p["field"]) for p in parts[:3]),
        provisional=int(row["reading_id"]) <= trained,
    )


def settle(outliers: list[Outlier], rows: pd.DataFrame, of: str, earlier: pd.DataFrame) -> list[Outlier]:
    """Mark where k of the last n rows of an entity are flagged (``of: "2/3"``).

    earlier: the rows before the batch with a column ``flagged``, so that any cut of the stream gives the same.
    """
    k, n = map(int, of.split("/"))
    if k == 1:
        return outliers
    flagged = rows["reading_id"].isin([o.reading_id for o in outliers])
    both = pd.concat([earlier, rows.assign(flagged=flagged)], ignore_index=True)
    ordered = both.assign(flagged=both["flagged"].astype(int)).sort_values(["event_at", "reading_id"])
    sums = ordered.groupby("entity", dropna=False)["flagged"].transform(
        lambda s: s.rolling(n, min_periods=1).sum()
    )
    enough = dict(zip(ordered["reading_id"], sums >= k, strict=True))
    return [replace(o, settled=bool(enough[o.reading_id])) for o in outliers]


def load(context: Context, version: Version) -> Detector:
    """The version's detector; a worker keeps the last few."""
    return _loaded(context, version.version_id, version.sha256)


@lru_cache(maxsize=8)
def _loaded(context: Context, version_id: int, sha256: str) -> Detector:
    # by its hash too: an erasure rewrites a bundle, and a restore gives a number to another
    with context.database.read() as session:
        return Detector.from_bytes(versions.bundle(session, version_id))
