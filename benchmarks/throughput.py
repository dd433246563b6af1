"""From CSV to stored scores, against the bare work: parse the same file, write as many rows under the same keys.

1 M rows x 10 numbers; each side in a process of its own, in the same run, on SQLite and PostgreSQL.
``MONITOR_BENCH_ROWS`` makes it smaller, ``MONITOR_TEST_POSTGRES_URL`` says where PostgreSQL is.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks import Claim

ROWS = int(os.environ.get("MONITOR_BENCH_ROWS", 1_000_000))
LEARNT = 5_000  # rows that the champion is trained on before the clock starts
GOAL = 0.5
MEMORY = 1024.0  # MiB
POSTGRES = os.environ.get("MONITOR_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")


def run() -> Claim:
    """The smaller ratio of both databases, with rows a second and peak memory."""
    figures, worst, peak = [], float("inf"), 0.0
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder))
        for name, url in (("SQLite", f"sqlite:///{folder}/monitor.db"), ("PostgreSQL", _scratch("create"))):
            bare = measured("bare", url, files)
            product = measured("product", url, files)
            ratio = bare["seconds"] / product["seconds"]
            print(f"{name}: bare {bare['seconds']:.1f} s, product {product['seconds']:.1f} s {product['parts']}, "
                  f"{product['memory']:.0f} MiB", flush=True)  # fmt: skip
            figures.append(f"{name} {ratio:.2f}, {ROWS / product['seconds']:,.0f} rows/s")
            worst, peak = min(worst, ratio), max(peak, product["memory"])
        _scratch("drop")
    figure = f"{'; '.join(figures)}; {peak:.0f} MiB"
    goal = f"at least {GOAL} of the bare work on both, under {MEMORY:.0f} MiB"
    return Claim("throughput", worst >= GOAL and peak < MEMORY, figure, goal)


def write(folder: Path) -> dict[str, str]:
    """Two files: what the champion learns from, and what the clock runs on."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 10))
    paths = {}
    for part, start, rows in (("first", 0, LEARNT), ("second", LEARNT, ROWS)):
        values = rng.normal(size=(rows, 4)) @ mixing + 0.3 * rng.normal(size=(rows, 10))
        frame = pd.DataFrame(values.round(5), columns=[f"f{n}" for n in range(10)])
        at = pd.date_range("2026-01-01", periods=LEARNT + ROWS, freq="s", tz="UTC")[start : start + rows]
        frame.insert(0, "at", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        frame.insert(0, "id", np.arange(start, start + rows))
        paths[part] = str(folder / f"{part}.csv")
        frame.to_csv(paths[part], index=False)
    return paths


def measured(side: str, url: str, files: dict[str, str]) -> dict[str, Any]:
    """One side in its own process; its seconds, parts and peak memory in MiB."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MONITOR_DATABASE_URL": url}
    command = [sys.executable, "-m", "benchmarks.sides.throughput", side, json.dumps(files)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side} on {url.split(':')[0]}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _scratch(act: str) -> str:
    """A database of the benchmark's own on the PostgreSQL server."""
    engine = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS monitor_bench WITH (FORCE)")
        if act == "create":
            connection.exec_driver_sql("CREATE DATABASE monitor_bench")
    return sa.make_url(POSTGRES).set(database="monitor_bench").render_as_string(hide_password=False)
