"""Tables of mixed columns as they come: intrusions among connections, fraud among payments, beside usual peers."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from sklearn.metrics import roc_auc_score

from benchmarks import Claim
from monitor import Detector

TRUTH = ["attack", "category", "difficulty", "is_attack"]
SEEDS = (0, 1, 2)
INTRUSIONS = 0.99  # AUROC
PAYMENTS = {"AP": 0.20, "P@20": 0.11}
GOAL = (
    f"intrusions (NSL-KDD, half of the normal rows against the rest): AUROC >= {INTRUSIONS} one-class with "
    f"each of {len(SEEDS)} seeds; payments: AP >= {PAYMENTS['AP']:.2f} and P@20 >= {PAYMENTS['P@20']:.2f}"
)


def run() -> Claim:
    beside = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("MONITOR_TEST_DATA", beside)) / "cyber" / "nsl_kdd_train20.parquet"
    if not path.is_file():
        print("the connections are not here (../shared, or MONITOR_TEST_DATA)")
        return Claim("mixed-columns", False, "not measured, the data are not here", GOAL)
    table = intrusions(pd.read_parquet(path))
    for name in table:
        print(f"intrusions, AUROC of {name}: {_spread(table[name])}", flush=True)
    figure = (
        f"intrusions {_spread(table['one-class'])} (contaminated {_spread(table['contaminated'])}, "
        f"KNN {_spread(table['KNN, numbers'])}, IForest {_spread(table['IForest, numbers'])})"
    )
    found = payments()
    said = ", ".join(f"{name} {value:.3f}" for name, value in found.items() if isinstance(value, float))
    print(f"payments: {said or 'not measured'}")
    figure += f"; payments {said or 'not measured'}"
    holds = bool((table["one-class"] >= INTRUSIONS).all())
    holds = holds and all(found.get(name, 0.0) >= least for name, least in PAYMENTS.items())
    return Claim("mixed-columns", holds, figure, GOAL)


def intrusions(frame: pd.DataFrame) -> pd.DataFrame:
    """AUROC: a line a seed, a column a detector; trained on half of the normal rows, drawn by the seed."""
    truth = frame["is_attack"].to_numpy() == 1
    fields = frame.drop(columns=TRUTH)
    rows = []
    for seed in SEEDS:
        normal = np.random.default_rng(seed).permutation(np.flatnonzero(~truth))
        half = len(normal) // 2
        test = np.r_[normal[half:], np.flatnonzero(truth)]
        train, new = fields.iloc[normal[:half]], fields.iloc[test]
        scores = {
            name: Detector(contaminated=contaminated, seed=seed)
            .fit(train)
            .score(new, shares=False)["score"]
            .to_numpy()
            for name, contaminated in (("one-class", False), ("contaminated", True))
        } | _peers(train.select_dtypes("number"), new.select_dtypes("number"), seed)
        rows.append({name: float(roc_auc_score(truth[test], score)) for name, score in scores.items()})
        print(f"seed {seed}: {rows[-1]}", flush=True)
    return pd.DataFrame(rows, index=list(SEEDS))


def _peers(train: pd.DataFrame, new: pd.DataFrame, seed: int) -> dict[str, NDArray[np.float64]]:
    """Scores (n,) of PyOD's nearest neighbours and isolation forest on the standardised fields of numbers."""
    spread = train.std(ddof=0).where(lambda each: each > 0, 1.0)
    known, asked = (((part - train.mean()) / spread).to_numpy() for part in (train, new))
    models = {"KNN, numbers": KNN(), "IForest, numbers": IForest(random_state=seed)}
    return {name: model.fit(known).decision_function(asked) for name, model in models.items()}


def payments() -> dict[str, Any]:
    """The figures of ``benchmarks.sides.payments``; none where there is no such measure."""
    if importlib.util.find_spec("benchmarks.sides.payments") is None:
        return {}
    found: dict[str, Any] | None = importlib.import_module("benchmarks.sides.payments").measured()
    return found or {}


def _spread(figures: "pd.Series[float]") -> str:
    return f"{figures.mean():.4f} ({figures.min():.4f} to {figures.max():.4f})"
