"""The nightly training: readings less known anomalies become a candidate with a manifest of what was left out."""

import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from monitor.detection.detector import Detector
from monitor.domain.errors import NotEnoughRows
from monitor.domain.run import Outcome, Request, Run
from monitor.features.history import depth
from monitor.jobs.context import Context
from monitor.storage import alerts, labels, monitors, past, readings, versions
from monitor.storage.crash import fail_point
from monitor.storage.monitors import Watched

LEARNT = 100_000  # newest rows that are looked at
HELD_BACK = 0.1  # of them the newest part, which training does not see and the gate decides on
LEAST = 200  # rows that are left to train on
EVERY = 2.0  # seconds between two marks of progress
NAMED = 10_000  # rows left out that the manifest names: the newest, which the gate must leave out too


def train(context: Context, run: Run) -> Outcome:
    """Fit a candidate on what is believed normal.

    Raises:
        NotEnoughRows: the monitor goes on learning; the next training tries again.
    """
    assert run.monitor_id is not None
    with context.database.read() as session:
        watched = monitors.get(session, run.monitor_id)
        made = versions.of_run(session, run.run_id)
    if made is not None:  # a worker died between the version's commit and the run's end
        return _outcome(run, made.version_id, made.manifest)
    seen, manifest = _chosen(context, run, watched)
    earlier = _past(context, watched, seen)
    if earlier is not None and len(earlier):
        manifest["looked_back_to"] = _iso(min(earlier["event_at"].min(), seen["event_at"].min()))
    detector = build(watched).fit(seen[_columns(watched)], _throttled(context, run), earlier)
    bundle = detector.to_bytes()
    fail_point("train.exported")
    with context.write(run) as session:
        version_id = versions.add(
            session, run.monitor_id, bundle, context.now(),
            objective=detector.version_facts["objective"], run_id=run.run_id, manifest=manifest,
            facts=detector.version_facts, trained_through=int(seen["reading_id"].max()),
        )  # fmt: skip
    return _outcome(run, version_id, manifest)


def _chosen(context: Context, run: Run, watched: Watched) -> tuple[pd.DataFrame, dict[str, Any]]:
    assert run.monitor_id is not None
    with context.database.read() as session:
        if watched.schema is None:
            raise NotEnoughRows(f"{watched.config.name} has no rows yet; pull first")
        rows = readings.latest(session, readings.table(watched.config.table, watched.schema), LEARNT)
        known = labels.anomalous(session, run.monitor_id, rows["source_key"].tolist())
        pending = alerts.unlearnable(session, run.monitor_id, context.now())
    seen, manifest = select(rows, known, pending)
    if len(seen) < LEAST:
        raise NotEnoughRows(f"{watched.config.name}: {len(seen)} usable rows, a training needs {LEAST}")
    return seen, manifest


def _past(context: Context, watched: Watched, seen: pd.DataFrame) -> pd.DataFrame | None:
    """What else of their entities' past the rows are set against, what is left out of the training among it."""
    if not remembers(watched):
        return None
    assert watched.schema is not None
    table, fields = readings.table(watched.config.table, watched.schema), frozenset(_columns(watched))
    with context.database.read() as session:
        return past.known(session, table, seen, depth(seen["entity"]), fields)


def _outcome(run: Run, version_id: int, manifest: dict[str, Any]) -> Outcome:
    follow = [Request("promote", run.monitor_id, f"after-{run.run_id}", {"version_id": version_id})]
    rows, left = manifest["rows"], sum(manifest["left_out"].values())
    message = f"trained on {rows:,} rows, {left:,} left out; the gate decides next"
    return Outcome(message, {"version_id": version_id, "rows": rows, "left_out": left}, follow)


def select(
    rows: pd.DataFrame, known: dict[str, str], pending: dict[int, str]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Choose what to learn from; the manifest counts each reason and names the rows.

    ``left_out_why`` holds, for each of ``left_out_rows``, the place of its reason in ``left_out_reasons``.
    rows: newest readings by event time, oldest first; known: source_key -> where it was said to be anomalous;
    pending: reading_id -> the alert that nobody reviewed yet.
    """
    reason = rows["source_key"].map(lambda key: _said(known.get(key)))
    reason = reason.fillna(
        rows["reading_id"].map(pending).map(lambda r: r if r is None or r != r else "not reviewed yet")
    )
    normal = rows[reason.isna()]
    cut = len(normal) - round(HELD_BACK * len(normal))
    seen, held = normal.iloc[:cut], normal.iloc[cut:]
    left = reason[reason.notna()]
    counts = left.value_counts()
    manifest = {
        "from": _iso(seen["event_at"].min()) if len(seen) else None,
        "to": _iso(seen["event_at"].max()) if len(seen) else None,
        "rows": len(seen),
        "held_back": {"rows": len(held), "from": _iso(held["event_at"].min()) if len(held) else None},
        "left_out": {str(k): int(v) for k, v in counts.items()},
        "left_out_rows": rows.loc[left.index, "reading_id"].tolist()[-NAMED:],
        "left_out_reasons": counts.index.tolist(),
        "left_out_why": left.map({k: n for n, k in enumerate(counts.index)}).tolist()[-NAMED:],
        "left_out_rows_capped": len(left) > NAMED,
    }
    return seen, manifest


def _said(origin: str | None) -> str | None:
    if origin is None:
        return None
    return "known anomaly, said by the source" if origin == "source" else "confirmed in a review"


def _iso(at: pd.Timestamp) -> str:
    return at.isoformat()


def build(watched: Watched) -> Detector:
    """An unfitted detector with what the monitor's document says."""
    config, schema = watched.config, watched.schema
    assert schema is not None
    return Detector(
        kind=config.kind,
        objective=config.model.objective,
        contaminated=config.model.contaminated,
        seed=config.model.seed,
        time="event_at",
        entity="entity",
        categorical=schema.of("category"),
        history=remembers(watched),
        value=config.value,
    )


def remembers(watched: Watched) -> bool:
    """Whether rows are set against their entity's earlier ones."""
    config = watched.config
    return config.kind == "tabular" and config.entity is not None and config.model.history


def _columns(watched: Watched) -> list[str]:
    assert watched.schema is not None
    own = ["reading_id"] if remembers(watched) else []
    return [*own, "event_at", "entity", *(n for n in watched.schema.names if learnable(watched, n))]


def learnable(watched: Watched, field: str) -> bool:
    """Identity, entity, event time, truth and text say who a row is, not whether it is odd."""
    config = watched.config
    assert watched.schema is not None
    who = {*config.key, config.entity, config.label, config.time.field if config.time else None}
    return field not in who and field not in config.fields.exclude and field not in watched.schema.of("text")


def _throttled(context: Context, run: Run) -> Callable[[float, str], None]:
    last = 0.0

    def mark(fraction: float, message: str) -> None:
        nonlocal last
        fail_point("train.fitting")
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            context.progress(run, fraction, message)

    return mark
