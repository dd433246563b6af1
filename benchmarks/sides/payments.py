"""The payments part of the claim on mixed columns, and the handbook's transactions, on which nothing was chosen.

Trained on the first half in time, tested on the second, through ``Detector`` as the jobs call it. IForest beside it,
on the raw fields and on those with the same history. ``python -m benchmarks.sides.payments`` prints all.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from monitor import Detector
from monitor.features import Columns, Tabular

TOP = 20  # alerts a day that somebody looks at
ROOT = Path(__file__).parents[2]
SETS: dict[str, dict[str, Any]] = {
    "payments": {
        "file": "synth_payments_dev.parquet", "entity": "account_id", "key": "tx_id",
        "truth": ["fraud_type"],
    },
    "handbook": {
        "file": "handbook_tx_2018-04_to_06.parquet", "entity": "customer_id", "key": "transaction_id",
        "truth": ["fraud_scenario"],
    },
}  # fmt: skip


def measured(
    name: str = "payments", seeds: tuple[int, ...] = (0,), clean: bool = False
) -> dict[str, Any] | None:
    """Figures on the second half in time; None where the data are not here.

    AP and P@20 (precision in the 20 top rows of each day, mean over the days) are means over ``seeds``, with ``each``
    of them beside; IForest's keys begin with its name. ``clean``: trained as if rows held no anomaly.
    """
    path = data() / SETS[name]["file"]
    if not path.is_file():
        return None
    frame, truth, day = halves(name, path)
    first, second = frame[: len(frame) // 2], frame[len(frame) // 2 :]
    columns = {"entity": SETS[name]["entity"], "time": "ts"}
    each = []
    for seed in seeds:
        detector = Detector(contaminated=not clean, seed=seed, **columns).fit(first)
        score = detector.score(second, first, shares=False)["score"].to_numpy()
        each.append(figures(truth, score, day))
        print(f"{name}, seed {seed}, contaminated {not clean}: {each[-1]}", file=sys.stderr, flush=True)
    found: dict[str, Any] = {key: float(np.mean([one[key] for one in each])) for key in each[0]}
    return (
        found
        | {"each": each, "rows": len(second), "frauds": int(truth.sum())}
        | peers(first, second, truth, day, columns)
    )


def peers(
    first: pd.DataFrame, second: pd.DataFrame, truth: np.ndarray, day: np.ndarray, columns: dict[str, str]
) -> dict[str, float]:
    """IForest on the very columns that our models see, without and with those of history."""
    raw = Tabular.fit(first, Columns(**columns))
    told, seen = raw.remembering(first, None, np.arange(len(first)), Columns(**columns, history=True))
    both = {"IForest": (raw, first, second), "IForest with history": (told, seen, told.told(second, first))}
    found = {}
    for name, (features, train, test) in both.items():
        forest = IsolationForest(random_state=0).fit(features.transform(train))
        score = -forest.score_samples(features.transform(test))
        found |= {f"{name} {key}": value for key, value in figures(truth, score, day).items()}
    return found


def halves(name: str, path: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """All rows in time without their truth; of the second half whether a row is fraud, and its day."""
    known = SETS[name]
    frame = pd.read_parquet(path).sort_values(["ts", known["key"]], kind="stable", ignore_index=True)
    frame = frame.mask(frame == "")  # not applicable
    second = frame[len(frame) // 2 :]
    fields = frame.drop(columns=["is_fraud", known["key"], *known["truth"]])
    if "terminal_id" in fields:
        fields["terminal_id"] = "t" + fields["terminal_id"].astype("str")  # a name, not a size
    return fields, second["is_fraud"].to_numpy(), second["ts"].dt.date.to_numpy()


def figures(truth: np.ndarray, score: np.ndarray, day: np.ndarray) -> dict[str, float]:
    rows = pd.DataFrame({"truth": truth, "score": score, "day": day}).sort_values("score", ascending=False)
    hits = rows.groupby("day").head(TOP).groupby("day")["truth"].sum()
    return {
        "AP": round(float(average_precision_score(truth, score)), 4),
        "P@20": round(float(hits.mean() / TOP), 4),
        "AUROC": round(float(roc_auc_score(truth, score)), 4),
    }


def data() -> Path:
    """The folder of real data; it lies beside the checkout and is no part of it."""
    return Path(os.environ.get("MONITOR_TEST_DATA", ROOT.parent / "shared" / "data")) / "fraud"


if __name__ == "__main__":
    for each in sys.argv[1:] or SETS:
        print(each, measured(each), flush=True)
