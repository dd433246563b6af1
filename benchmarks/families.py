"""Every objective finds the Shuttle's faults, beside two usual peers; how they do on many tables: one_class."""

import json
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
from benchmarks._tables import FAMILIES
from benchmarks._yardstick import ROOT

LEAST = 0.995
GOAL = f"AUROC >= {LEAST} on the Shuttle with each objective, trained on half of the normal rows, seed 0"


def run() -> Claim:
    found = on_shuttle()
    figure = ", ".join(f"{name} {auroc:.4f}" for name, auroc in found.items())
    return Claim("families", all(found[name] >= LEAST for name in FAMILIES), figure, GOAL)


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
        found = {name: _evaluated(*paths, name) for name in FAMILIES}
    return found | _peers(train, test)


def _evaluated(train: Path, test: Path, objective: str) -> float:
    command = [
        sys.executable,
        "-m",
        "monitor",
        "evaluate",
        "--train",
        train,
        "--test",
        test,
        "--label",
        "anomaly",
    ]
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
