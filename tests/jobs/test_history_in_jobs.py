"""History through the jobs: the same live as in one pass, told in alerts, and taken out with its entity."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.detection.bundle import Bundle
from monitor.detection.detector import Detector
from monitor.domain.field import Schema
from monitor.domain.monitor import Document, Monitor
from monitor.jobs import erase, train
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import monitors as stored
from monitor.storage import past, readings, tables, versions
from monitor.storage.monitors import Watched

START = datetime(2026, 3, 1, tzinfo=UTC)
CARDS = 12


def payments(rows: int, start: int = 0) -> pd.DataFrame:
    """A card's payment every two hours or so, each card with amounts of its own; some are booked late."""
    rng = np.random.default_rng(start)
    card = rng.integers(CARDS, size=rows)
    minute = (np.arange(start, start + rows) + 1) * 10 - np.where(rng.random(rows) < 0.05, 300, 0)
    return pd.DataFrame({
        "id": np.arange(start, start + rows),
        "at": [(START + timedelta(minutes=int(m))).isoformat() for m in minute],
        "card": [f"c{n}" for n in card],
        "amount": (10 * (card + 1) * rng.lognormal(0, 0.2, rows)).round(4),
        "shop": [f"s{n}" for n in (card + rng.integers(3, size=rows)) % CARDS],
    })  # fmt: skip


def append(folder: Path, rows: pd.DataFrame) -> None:
    path = folder / "payments.csv"
    rows.to_csv(path, mode="a", index=False, header=not path.exists())


def watch(context: Context, folder: Path, **model: Any) -> None:
    part = {
        "name": "cards", "kind": "tabular", "entity": "card", "key": ["id"], "time": "at", "value": "amount",
        "source": {"kind": "files", "path": str(folder / "payments.csv")},
        "fields": {"categorical": ["shop"]}, "model": {"objective": "vanilla", **model}, "alerts": {"p_value": 0.001},
    }  # fmt: skip
    apply(context, Document.model_validate({"monitors": [part]}), "ana")


@pytest.fixture
def learned(context: Context, tmp_path: Path) -> Context:
    append(tmp_path, payments(600))
    watch(context, tmp_path)
    for job in ("pull", "train"):
        run_now(context, job, "cards", "ana")
    return context


def champion(context: Context) -> Detector:
    with context.database.read() as session:
        version = versions.champion(session, 1)
        assert version is not None
        return Detector.from_bytes(versions.bundle(session, version.version_id))


def test_scores_made_live_are_those_of_one_pass(
    learned: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.jobs.score.REMEMBERED", 70)
    run_now(learned, "score", "cards", "ana")
    for start in range(600, 650, 10):
        append(tmp_path, payments(10, start))
        run_now(learned, "pull", "cards", "ana")
        run_now(learned, "score", "cards", "ana")
    with learned.database.read() as session:
        watched = stored.get(session, 1)
        assert watched.schema is not None
        rows = readings.after(session, readings.table("readings_cards", watched.schema), 0, 999)
        made = session.execute(sa.select(tables.scores.c.reading_id, tables.scores.c.score)).all()
        scores = {row.reading_id: row.score for row in made}
    assert len(rows) == 650
    whole = champion(learned).score(rows, shares=False)["score"]
    assert [scores[n] for n in rows["reading_id"]] == pytest.approx(whole.tolist(), rel=1e-4, abs=1e-4)


def test_a_burst_of_a_card_is_told_by_its_own_past(learned: Context, tmp_path: Path) -> None:
    run_now(learned, "score", "cards", "ana")
    burst = payments(20, 600).assign(card="c3", amount=40.0, shop="s3")
    burst["at"] = [(START + timedelta(minutes=6010, seconds=5 * n)).isoformat() for n in range(20)]
    append(tmp_path, burst)
    run_now(learned, "pull", "cards", "ana")
    run_now(learned, "score", "cards", "ana")
    with learned.database.read() as session:
        outliers = tables.outliers.c
        last = session.execute(
            sa.select(outliers.explanation)
            .where(outliers.entity == "c3")
            .order_by(outliers.reading_id.desc())
        ).scalars()
        told = {part["field"]: part for part in last.first() or []}
    assert told["rows in 1 h"]["actual"] >= 19
    assert told["rows in 1 h"]["expected"] < 3
    assert told["seconds since last"]["actual"] == 5
    assert 0.5 < told["amount over own median"]["actual"] < 2
    assert told["amount in 24 h"]["actual"] > 19 * 40
    assert {name for name, part in told.items() if not part["derived"]} == {"amount", "shop"}
    leading = sorted(told.values(), key=lambda part: -part["share"])[:2]
    assert {part["field"] for part in leading} & {
        "rows in 1 h",
        "rows in 24 h",
        "seconds since last",
        "amount in 24 h",
    }


@pytest.mark.parametrize("contaminated", [True, False])
def test_an_erased_entitys_rows_are_found_by_their_history_too(
    context: Context, tmp_path: Path, contaminated: bool
) -> None:
    append(tmp_path, payments(600))
    watch(context, tmp_path, contaminated=contaminated)
    run_now(context, "pull", "cards", "ana")
    corrected = (
        payments(600).iloc[400:430].assign(amount=lambda f: f["amount"] + 3.3)
    )  # what was known when is part of each past
    append(tmp_path, corrected)
    for job in ("pull", "train"):
        run_now(context, job, "cards", "ana")
    with context.database.read() as session:
        watched = stored.get(session, 1)
        assert watched.schema is not None
        frame = past.whole(session, readings.table("readings_cards", watched.schema), "c7")
        version = versions.champion(session, 1)
        assert version is not None
        before = versions.bundle(session, version.version_id)
    assert "history" in Bundle.from_bytes(before).manifest["scorer"]["features"]
    erase.erase(context, "c7", "ana", yes=True)
    with context.database.read() as session:
        after = versions.bundle(session, version.version_id)
    gone = {name: array.shape[1] - Bundle.from_bytes(after).arrays[name].shape[1]
            for name, array in Bundle.from_bytes(before).arrays.items() if name.endswith(".stored")}  # fmt: skip
    present = int(frame["superseded_by"].isna().sum())
    assert 0.6 * present < max(gone.values()) <= present
    assert min(gone.values()) > 0
    if contaminated:
        features = Detector.from_bytes(after)._scorer.features  # type: ignore[union-attr]
        amount = features.field_of == 0  # it tells the entity's rows from all others
        theirs = features.transform(features.told(frame))[:, amount]
        kept = Bundle.from_bytes(after).arrays["wide_memory.stored"][0][:, amount]
        assert not np.isin(kept, theirs).any()


@pytest.mark.parametrize(
    ("part", "remembered"),
    [
        ({}, True),
        ({"model": {"history": False}}, False),
        ({"entity": None}, False),
        ({"kind": "sensor"}, False),
    ],
)
def test_a_table_with_an_entity_has_a_history_unless_it_is_turned_off(
    part: dict[str, Any], remembered: bool
) -> None:
    whole = {"name": "x", "kind": "tabular", "entity": "card", "time": "at", "value": "amount",
             "source": {"kind": "files", "path": "x.csv"}} | part  # fmt: skip
    watched = Watched(1, Monitor.model_validate(whole), Schema(), {}, 1, START)
    assert train.build(watched).options.columns.history == remembered
