"""Every objective finds the Shuttle's faults, and holds its own on 16 labelled tables beside the usual peers."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from river.datasets import Shuttle
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from benchmarks import Claim

ROOT = Path(__file__).parent.parent
MONITOR = [sys.executable, "-m", "monitor"]
OBJECTIVES = ("vanilla", "sparse", "denoising", "variational")
SHUTTLE, TABLES = 0.995, 82.5  # goals: AUROC, and mean AUROC in per cent
GOAL = f"Shuttle AUROC >= {SHUTTLE} and mean one-class AUROC >= {TABLES} with each objective; series without a failure"


def run() -> Claim:
    shuttle = on_shuttle()
    print("Shuttle, trained on half of the normal rows: " + _listed(shuttle, "AUROC"))
    figure = f"Shuttle {min(shuttle[name] for name in OBJECTIVES):.4f} at least"
    holds = all(shuttle[name] >= SHUTTLE for name in OBJECTIVES)
    sets, yardstick = labelled_sets(), ROOT.parent / "shared" / "yardstick" / "yardstick.py"
    if sets is None or not yardstick.is_file():
        print(
            "the labelled sets are not here (../shared, or MONITOR_TEST_DATA): tables and series not measured"
        )
        return Claim(
            "families", False, f"{figure}; tables and series not measured, their data are not here", GOAL
        )
    tables = {name: _yardstick(yardstick, "tabular", sets / "tabular", name) for name in OBJECTIVES}
    series = _yardstick(yardstick, "sensor", sets / "ts", "auto")
    means = {name: 100 * _mean(text, "auroc") for name, text in tables.items()}
    failed = sum(_failed(text) for text in (*tables.values(), series))
    print("16 tables, mean one-class AUROC: " + _listed(means, "%"))
    print(f"36 series: VUS-PR {_mean(series, 'vus_pr'):.3f} causal; failures in all: {failed}")
    figure += f", tables {min(means.values()):.1f} at least, {failed} failed"
    return Claim("families", holds and min(means.values()) >= TABLES and not failed, figure, GOAL)


def on_shuttle(seed: int = 0) -> dict[str, float]:
    """AUROC of each objective through the command, and of two peers on the same rows."""
    frame = pd.read_csv(Shuttle().path)
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(frame["anomaly"] == 0))
    half = len(normal) // 2
    train, test = (
        frame.iloc[normal[:half]],
        frame.iloc[np.r_[normal[half:], np.flatnonzero(frame["anomaly"] == 1)]],
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("train.parquet", "test.parquet")]
        for part, path in zip((train, test), paths, strict=True):
            part.to_parquet(path, index=False)
        found = {name: _evaluated(*paths, name) for name in OBJECTIVES}
    return found | _peers(train, test)


def _evaluated(train: Path, test: Path, objective: str) -> float:
    command = [*MONITOR, "evaluate", "--train", train, "--test", test, "--label", "anomaly"]
    command += ["--objective", objective, "--seed", "0", "--json"]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd=ROOT)
    return float(json.loads(run.stdout)["auroc"])


def _peers(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    scale = StandardScaler().fit(train.drop(columns="anomaly"))
    known, new = (scale.transform(part.drop(columns="anomaly")) for part in (train, test))
    forest = IsolationForest(random_state=0).fit(known)
    pca = PCA(n_components=0.9, svd_solver="full").fit(known)
    apart = ((new - pca.inverse_transform(pca.transform(new))) ** 2).sum(1)
    truth = test["anomaly"]
    return {
        "IsolationForest": float(roc_auc_score(truth, -forest.score_samples(new))),
        "PCA": float(roc_auc_score(truth, apart)),
    }


def labelled_sets() -> Path | None:
    for folder in (os.environ.get("MONITOR_TEST_DATA"), ROOT.parent / "shared" / "data"):
        if folder and (Path(folder) / "tabular").is_dir():
            return Path(folder)
    return None


def _yardstick(script: Path, kind: str, folder: Path, objective: str) -> str:
    """Its printed table; a failure in a set is in the text."""
    command = [sys.executable, script, kind, folder, "--objective", objective, "--monitor", " ".join(MONITOR)]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=ROOT)
    print(f"--- {kind}, {objective}\n{run.stdout}{run.stderr}", flush=True)
    return run.stdout


def _mean(text: str, figure: str) -> float:
    found = re.search(rf"mean of sources:.*?\b{figure} ([\d.]+)", text)
    return float(found[1]) if found else float("nan")


def _failed(text: str) -> int:
    found = re.search(r"^sets \d+, failed (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 1


def _listed(figures: dict[str, float], unit: str) -> str:
    return ", ".join(f"{name} {figure:.4f} {unit}" for name, figure in figures.items())
