"""A large installation, written straight into the tables: what the pages are measured on."""

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from monitor.domain.field import Field, Schema
from monitor.domain.monitor import Monitor
from monitor.domain.review import VERDICTS
from monitor.domain.version import GATE, Step, kept
from monitor.storage import bulk, configuration, readings, tables
from monitor.storage.database import Database, Session

MONITORS = ("payments", "orders", "pump", "boiler", "host", "claims", "logins", "cold")
SHARES = (
    0.5,
    0.1,
    0.1,
    0.1,
    0.05,
    0.05,
    0.05,
    0.05,
)  # of all rows: one monitor is far larger than the others
SENSORS = ("pump", "boiler", "host", "cold")
SPAN = 90  # days
VERSIONS = 14  # of each monitor
BUNDLE = 1_500_000  # bytes of a model
FIELDS = Schema(fields=tuple(Field(name=f"f{n}", type="number") for n in range(6)))
FIRST = 1 << 40


def fill(database: Database, now: datetime, scores: int, outliers: int) -> None:
    """``scores`` rows with as many readings, and ``outliers`` of them flagged, in about 0.4 as many alerts."""
    rng = np.random.default_rng(0)
    with database.write() as session:
        session.execute(
            sa.insert(tables.queues), [{"name": q, "title": q, "created_at": now} for q in ("desk", "plant")]
        )
        for number, (name, share) in enumerate(zip(MONITORS, SHARES, strict=True), 1):
            _monitor(session, number, name, now, round(scores * share))
            _versions(session, number, now)
        configuration.revise(session, configuration.current(session), "bench", "file", now)
    alerts = 1
    for number, (name, share) in enumerate(zip(MONITORS, SHARES, strict=True), 1):
        rows = _rows(rng, number, name, now, round(scores * share))
        flagged = np.sort(rng.choice(len(rows), round(outliers * share), replace=False))
        with database.write() as session:
            _scores(session, rng, number, rows, flagged, now)
        with database.write() as session:
            alerts = _alerts(session, rng, number, name, rows.iloc[flagged], alerts, now)
    with database.write() as session:
        _runs(session, now)
    if database.dialect == "postgresql":  # its autovacuum does this by itself; nobody does it on SQLite
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def _many(session: Session, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 5_000):
        session.execute(sa.insert(table), rows[start : start + 5_000])


def _monitor(session: Session, number: int, name: str, now: datetime, rows: int) -> None:
    sensor = name in SENSORS
    config = Monitor.model_validate(
        {"name": name, "kind": "sensor" if sensor else "tabular", "source": {"kind": "files", "path": "x.csv"},
         "time": "at", "entity": None if name == "host" else "who", "queue": "plant" if sensor else "desk",
         "value": None if sensor else "f0", "currency": None if sensor else "EUR"}
    )  # fmt: skip
    session.execute(
        sa.insert(tables.monitors).values(
            monitor_id=number, name=name, document=config.model_dump(mode="json"), cursor={}, notices=[],
            fields=FIELDS.model_dump(mode="json"), next_reading=rows + 1, stored=rows, pulled=rows,
            quarantined=0, known=0, created_at=now - timedelta(days=SPAN)))  # fmt: skip
    readings.create(session, readings.table(config.table, FIELDS))


def _versions(session: Session, monitor: int, now: datetime) -> None:
    left = [monitor * FIRST + n for n in range(1, 4_001)]
    manifest = {"rows": 90_000, "from": now.isoformat(), "to": now.isoformat(), "held_back": {"rows": 10_000},
                "left_out": {"not reviewed yet": 3_000, "confirmed in a review": 1_000}, "left_out_rows": left,
                "left_out_reasons": ["not reviewed yet", "confirmed in a review"],
                "left_out_why": [int(n % 4 == 0) for n in range(4_000)], "left_out_rows_capped": False}  # fmt: skip
    figures = {"auroc": 0.97, "champion_auroc": 0.96, "held_back_rows": 4_000, "flagged_per_day": 20.0,
               "calibration": {"rows": 4_000, "below": [[0.01, 40], [0.1, 400], [0.5, 2_000]]}}  # fmt: skip
    facts = {"seconds": 40.0, "curve": [[n, 1 / n, 1.1 / n] for n in range(1, 61)], "fields": FIELDS.names}
    for n in range(1, VERSIONS + 1):
        at = now - timedelta(days=VERSIONS - n)
        session.execute(
            sa.insert(tables.versions).values(
                version_id=100 * monitor + n, monitor_id=monitor, number=n, created_at=at, decided_at=at,
                bundle=bytes(BUNDLE), state="champion" if n == VERSIONS else "retired", objective="sparse", sha256="",
                manifest=manifest, facts=facts, pinned=False,
                decision=kept([Step("promoted", GATE, at, "not worse", figures, n - 1)]),
                trained_through=monitor * FIRST, scored_through=(monitor + 1) * FIRST - 1,
                threshold=0.002))  # fmt: skip


def _rows(rng: np.random.Generator, number: int, name: str, now: datetime, count: int) -> pd.DataFrame:
    seconds = np.sort(rng.uniform(0, SPAN * 86_400, count))
    entities = 1 if name in SENSORS else 2_000
    return pd.DataFrame(
        {
            "reading_id": number * FIRST + np.arange(1, count + 1),
            "event_at": pd.Timestamp(now) - pd.to_timedelta((SPAN * 86_400 - seconds).round(3), unit="s"),
            "entity": None if name == "host" else [f"e{n}" for n in rng.integers(0, entities, count)],
        }
    )


def _scores(
    session: Session,
    rng: np.random.Generator,
    number: int,
    rows: pd.DataFrame,
    flagged: np.ndarray,
    now: datetime,
) -> None:
    p_values = rng.uniform(0.002, 1, len(rows))
    p_values[flagged] = 0.002 * rng.uniform(1e-4, 1, len(flagged))
    rows["p_value"] = p_values
    table = readings.table(f"readings_{MONITORS[number - 1]}", FIELDS)
    stored = rows.drop(columns="p_value").assign(
        source_key=rows["reading_id"].map("k{}".format), revision=1, content_hash="h", ingested_at=rows["event_at"],
        superseded_at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]"), run_id=1,
        **{name: rng.normal(size=len(rows)) for name in FIELDS.names},
    )  # fmt: skip
    bulk.write(session, table, stored[[c.name for c in table.columns]])
    scored = rows[["reading_id", "p_value"]].assign(
        version_id=100 * number + VERSIONS, score=-np.log(p_values), scored_at=pd.Timestamp(now)
    )
    bulk.write(session, tables.scores, scored[["reading_id", "version_id", "score", "p_value", "scored_at"]])
    bins = rows.assign(flagged=np.isin(np.arange(len(rows)), flagged)).groupby(
        rows["event_at"].dt.floor("15min")
    )
    found = bins.agg(rows=("p_value", "size"), p_value=("p_value", "min"), flagged=("flagged", "sum"))
    found = found.reset_index(names="bin_at").assign(monitor_id=number)
    bulk.write(session, tables.score_bins, found[["monitor_id", "bin_at", "rows", "p_value", "flagged"]])


def _alerts(
    session: Session,
    rng: np.random.Generator,
    number: int,
    name: str,
    rows: pd.DataFrame,
    first: int,
    now: datetime,
) -> int:
    """An alert for one to four outliers each, most of them reviewed; returns the next alert's id."""
    parts = [{"field": f, "kind": "number", "share": 1 / 6, "actual": 3.0, "expected": 0.1, "low": -2.0, "high": 2.0}
             for f in FIELDS.names]  # fmt: skip
    ends = np.cumsum(rng.integers(1, 5, len(rows)))
    groups = np.split(np.arange(len(rows)), ends[ends < len(rows)])
    alerts, outliers, members, changes, reviews = [], [], [], [], []
    values = list(rows.itertuples(index=False))
    for alert, group in enumerate(groups, first):
        mine = [values[n] for n in group]
        at, p = mine[0].event_at.to_pydatetime(), min(r.p_value for r in mine)
        old = now - at > timedelta(days=4)
        state = "closed" if old else "open" if rng.random() < 0.9 else "snoozed"
        verdict = VERDICTS[int(rng.integers(len(VERDICTS)))].name if state == "closed" else None
        closed = at + timedelta(minutes=float(rng.uniform(5, 600))) if verdict else None
        alerts.append({
            "alert_id": alert, "public_id": f"a{alert:06x}", "monitor_id": number, "entity": mine[0].entity,
            "queue": "plant" if name in SENSORS else "desk", "severity": 1 + alert % 4, "state": state,
            "rank": (1 + alert % 4) * 1e9 + p, "opened_at": at, "first_event_at": at,
            "last_event_at": mine[-1].event_at.to_pydatetime(), "members": len(mine), "p_value": p,
            "value": float(alert % 900), "why": "f0 is 3, above the expected 0.1.", "brief": "f0 3, expected 0.1",
            "fields": ["f0"], "provisional": False, "verdict": verdict, "revision": 1,
            "closed_at": closed, "snoozed_until": now + timedelta(days=1) if state == "snoozed" else None,
        })  # fmt: skip
        for r in mine:
            outliers.append({
                "outlier_id": r.reading_id, "reading_id": r.reading_id, "version_id": 100 * number + VERSIONS,
                "monitor_id": number, "entity": r.entity, "event_at": r.event_at.to_pydatetime(), "p_value": r.p_value,
                "score": -math.log(r.p_value), "value": 1.0, "reason": "p 0.001 <= 0.002", "provisional": False,
                "explanation": parts,
            })  # fmt: skip
            members.append({"outlier_id": r.reading_id, "alert_id": alert})
        kinds = ["opened", *(["grew"] if len(mine) > 1 else []), *(["closed"] if verdict else [])]
        changes += [
            {"alert_id": alert, "at": at, "kind": k, "actor": "monitor", "detail": {"members": 1}}
            for k in kinds
        ]
        if verdict:
            reviews.append(
                {
                    "alert_id": alert,
                    "verdict": verdict,
                    "actor": "ana",
                    "at": closed,
                    "action_key": f"r{alert}",
                }
            )
    for table, written in (("alerts", alerts), ("outliers", outliers), ("alert_members", members),
                           ("alert_changes", changes), ("reviews", reviews)):  # fmt: skip
        _many(session, tables.metadata.tables[table], written)
    return first + len(groups)


def _runs(session: Session, now: datetime) -> None:
    ended = []
    for n in range(3_000):
        at = now - timedelta(minutes=n + 1)
        ended += [
            {"monitor_id": m, "scope": f"monitor:{m}", "job": job, "slot": f"s{n}", "state": "done",
             "actor": "schedule", "attempt": 1, "requested_at": at, "due_at": at, "not_before": at, "started_at": at,
             "finished_at": at + timedelta(seconds=2), "worker": "w", "message": "12 new rows", "counts": {}}
            for m in range(1, len(MONITORS) + 1) for job in ("pull", "score")
        ]  # fmt: skip
    _many(session, tables.runs, ended)
