"""The whole way, with the process killed once inside each job: nothing lost, nothing twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from receiver import Answer, Receiver, receiver

from monitor.jobs.context import Context
from monitor.storage import audit, monitors, readings, tables

KILLED = -signal.SIGKILL
ROWS, ODD = 700, 5


@pytest.fixture
def sink() -> Iterator[Receiver]:
    with receiver(Answer(204)) as place:
        yield place


def feed(path: Path, start: int, count: int, odd: int = 0, bad: int = 0) -> None:
    """Append rows; the last ``odd`` are far off, and ``bad`` unreadable ones follow."""
    rng = np.random.default_rng(start)
    load = rng.normal(50, 5, count)
    rows = pd.DataFrame(
        {
            "id": np.arange(start, start + count),
            "at": [
                (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=start + n)).isoformat()
                for n in range(count)
            ],
            "load": load.round(3),
            "heat": (load * 0.8 + rng.normal(0, 1, count)).round(3),
            "mode": rng.choice(["day", "night"], count),
        }
    )
    rows.loc[count - odd :, "heat"] += 90.0
    text = rows.to_csv(index=False, header=start == 0)
    text += "".join(f"{10_000 + n},not a time,1.0,1.0,day\n" for n in range(bad))
    with path.open("a") as file:
        file.write(text)


class Shell:
    """The command line on one database, with a point at which the process dies."""

    def __init__(self, context: Context, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "MONITOR_DATABASE_URL": context.settings.url,
            "MONITOR_HOME": str(context.settings.home),
            "MONITOR_EGRESS_ALLOW": "127.0.0.0/8",
            "OMP_NUM_THREADS": "1",
            "HOOK_SECRET": "secret",
        }

    def __call__(self, *words: str, die: str = "") -> Any:
        run = subprocess.run(
            [sys.executable, "-m", "monitor", *words, "--json"],
            env=self.environment | {"MONITOR_FAIL_POINT": die}, cwd=self.folder, capture_output=True, text=True,
            timeout=180,
        )  # fmt: skip
        if die:
            assert run.returncode == KILLED, f"{words} should have died at {die}: {run.stdout} {run.stderr}"
            return None
        assert run.returncode == 0, f"{words}: {run.stdout} {run.stderr}"
        return json.loads(run.stdout) if run.stdout.strip() else None


@pytest.mark.slow
def test_the_whole_way_survives_a_kill_inside_each_job(
    context: Context, sink: Receiver, tmp_path: Path
) -> None:
    monitor = Shell(context, tmp_path)
    source = tmp_path / "boiler.csv"
    feed(source, 0, ROWS, bad=3)
    (tmp_path / "monitors.yaml").write_text(f"""
monitors:
  - name: boiler
    kind: tabular
    source: {{kind: files, path: {source}}}
    key: [id]
    time: at
    model: {{objective: vanilla}}
    alerts: {{p_value: 0.004}}
    notify: [desk]
channels:
  - {{name: desk, kind: webhook, url: "{sink.url}", secret: "${{HOOK_SECRET}}"}}
""")
    monitor("apply", "monitors.yaml")

    monitor("pull", "boiler", die="pull.before-commit")
    monitor("pull", "boiler", die="pull.after-commit")
    monitor("pull", "boiler")
    assert counts(context) == {"pulled": ROWS + 3, "stored": ROWS, "quarantined": 3, "known": 0}

    monitor("train", "boiler", die="train.before-commit")
    monitor("train", "boiler", die="promote.before-commit")
    monitor("train", "boiler")
    assert champions(context) == 1

    monitor("score", "boiler", die="score.before-commit")
    monitor("score", "boiler")
    feed(source, ROWS, 20, odd=ODD)
    monitor("pull", "boiler")
    monitor("score", "boiler", die="score.after-commit")
    monitor("score", "boiler")
    once_each(context, ROWS + 20)

    monitor("notify", die="notify.sent")
    lapse(context)
    monitor("notify")
    repeats = Counter(sink.keys)
    assert repeats, "the odd rows are news"
    assert max(repeats.values()) <= 2
    assert sum(repeats.values()) <= len(repeats) + 1

    alert = next(a for a in monitor("alerts", "list") if not a["provisional"])
    monitor("alerts", "review", alert["public_id"], "true")
    monitor("train", "boiler")
    with context.database.read() as session:
        newest = session.execute(
            sa.select(tables.versions).order_by(tables.versions.c.version_id.desc()).limit(1)
        ).one()
        assert newest.manifest["left_out"] == {"confirmed in a review": alert["members"]}
        assert newest.decision["reason"]
        assert audit.verify(session).broken is None
    assert champions(context) == 1


def counts(context: Context) -> dict[str, int]:
    names = ("pulled", "stored", "quarantined", "known")
    with context.database.read() as session:
        row = session.execute(sa.select(*[tables.monitors.c[n] for n in names])).one()
    return dict(zip(names, row, strict=True))


def champions(context: Context) -> int:
    with context.database.read() as session:
        v = tables.versions
        return session.scalar(sa.select(sa.func.count()).select_from(v).where(v.c.state == "champion")) or 0


def once_each(context: Context, rows: int) -> None:
    """No row twice, one score a row and version, one alert an outlier."""
    with context.database.read() as session:
        watched = monitors.named(session, "boiler")
        assert watched.schema is not None
        table = readings.table(watched.config.table, watched.schema)
        keys = list(session.scalars(sa.select(table.c.source_key)))
        scored = list(session.execute(sa.select(tables.scores.c.reading_id, tables.scores.c.p_value)))
        members = list(session.scalars(sa.select(tables.alert_members.c.outlier_id)))
        outliers = list(session.scalars(sa.select(tables.outliers.c.outlier_id)))
        alerts = session.execute(sa.select(tables.alerts.c.members)).scalars().all()
        bins = session.scalar(sa.select(sa.func.sum(tables.score_bins.c.rows)))
    assert len(keys) == len(set(keys)) == rows
    assert len(scored) == len({r for r, _ in scored}) == rows == bins
    assert all(0 < p <= 1 for _, p in scored)
    assert sorted(members) == sorted(outliers)
    assert sum(alerts) == len(outliers) >= ODD


def lapse(context: Context) -> None:
    """Let the claim of the notification whose sender died run out, as two minutes would."""
    with context.database.write() as session:
        n = tables.notifications
        session.execute(sa.update(n).where(n.c.state == "pending").values(due_at=context.now()))
