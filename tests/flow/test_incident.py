"""The nightly training does not learn an incident as normal, though nobody has reviewed it yet."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.demo.shuttle import CHANNELS, FULL_SCALE, arrange, telemetry
from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import monitors, tables, versions
from monitor.storage.alerts import CLEARLY

SPACING = timedelta(seconds=30)
FIRST, AROUND, FAULT = 2_000, 250, 240  # rows: of the first training; between faults; two hours of one
ROWS = FIRST + 3 * AROUND + 2 * FAULT


@dataclass
class Plant:
    """The replayed Shuttle telemetry, whose labels the monitor is not told, as a file that grows."""

    context: Context
    path: Path

    def __post_init__(self) -> None:
        published = telemetry()
        order = arrange(published["anomaly"].to_numpy())[: ROWS * 2]
        rows = published.iloc[order]
        self.normal = rows[rows["anomaly"] == 0][CHANNELS].reset_index(drop=True)
        self.odd = published.loc[published["anomaly"] == 1, CHANNELS].reset_index(drop=True)
        self.start = self.context.now() - SPACING * ROWS
        self.count = self.used = 0
        source = {"kind": "files", "path": str(self.path)}
        part = {"name": "shuttle", "kind": "tabular", "source": source, "time": "time",
                "model": {"objective": "vanilla"}, "alerts": {"budget": "20/day", "gap": "1m"}}  # fmt: skip
        self.grow(FIRST)
        apply(self.context, Document.model_validate({"monitors": [part]}), "ana")

    def grow(self, count: int, fault: "pd.Series[float] | None" = None) -> None:
        """Append normal rows, or the same ``fault`` over and over."""
        rows = self.normal.iloc[self.used : self.used + count].reset_index(drop=True)
        if fault is not None:
            rows = rows.assign(**fault.to_dict())
        self.used += count
        times = [(self.start + SPACING * (self.count + n)).isoformat() for n in range(count)]
        rows.insert(0, "time", times)
        rows.to_csv(self.path, mode="a", index=False, header=self.count == 0)
        self.count += count

    def do(self, *jobs: str) -> None:
        for job in jobs:
            run_now(self.context, job, "shuttle", "ana")

    def incident(self, fault: "pd.Series[float]") -> tuple[set[int], int]:
        """Two hours of it: the readings, and the severity of the most severe alert over them."""
        with self.context.database.read() as session:
            first = monitors.listed(session)[0].next_id
        self.grow(FAULT, fault)
        self.do("pull", "score")
        o, m, a = tables.outliers.c, tables.alert_members.c, tables.alerts.c
        flagged = (
            sa.select(sa.func.max(a.severity))
            .join_from(tables.outliers, tables.alert_members, m.outlier_id == o.outlier_id)
            .join(tables.alerts, a.alert_id == m.alert_id)
            .where(o.reading_id >= first)
        )
        with self.context.database.read() as session:
            return set(range(first, first + FAULT)), session.scalar(flagged) or 0


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["stuck at full scale", "a published anomaly that lasts"])
def test_an_incident_that_nobody_reviewed_is_not_learnt(context: Context, tmp_path: Path, kind: str) -> None:
    plant = Plant(context, tmp_path / "shuttle.csv")
    fault = plant.odd.iloc[0] if "published" in kind else pd.Series(dict.fromkeys(CHANNELS, FULL_SCALE))
    plant.do("pull", "train", "score")
    plant.grow(AROUND)
    plant.do("pull", "score")
    readings, before = plant.incident(fault)
    assert before > 0
    plant.grow(AROUND)
    plant.do("pull", "score", "train")
    with context.database.read() as session:
        champion = versions.champion(session, 1)
    assert champion is not None and champion.number == 2, "the gate took it"
    assert champion.manifest["left_out"]["not reviewed yet"] >= FAULT
    assert readings <= set(champion.manifest["left_out_rows"])
    plant.grow(AROUND)
    plant.do("pull", "score")
    _, after = plant.incident(fault)
    # no lower than high, if not the same: how far the tail goes is another model's by then
    assert after >= min(before, CLEARLY)
