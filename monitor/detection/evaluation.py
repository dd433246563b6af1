"""The honest yardstick: figures of a detector on rows whose truth is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OUTLIER = 0.01  # p-value, unless a policy is given

Labels = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def auroc(truth: Labels, scores: Numbers) -> float | None:
    """Area under the ROC curve, ties counted half (Mann-Whitney); None when only one class is there."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # (n,): mean rank of ties, from 1
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: Labels, scores: Numbers) -> float | None:
    """Mean precision over the anomalies as the threshold falls; ties enter together."""
    if not truth.any():
        return None
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(truth) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / truth.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_at_n(truth: Labels, scores: Numbers) -> float | None:
    """Share of anomalies among as many top rows as there are anomalies."""
    if not truth.any():
        return None
    return float(truth[np.argsort(-scores, kind="stable")[: truth.sum()]].mean())


def figures(truth: Labels, scores: Numbers, outlier: Labels) -> dict[str, Any]:
    """Ranking figures of the scores, and precision and recall of what was flagged."""
    flagged, hits = int(outlier.sum()), int((outlier & truth).sum())
    return {
        "auroc": auroc(truth, scores),
        "average_precision": average_precision(truth, scores),
        "precision_at_n": precision_at_n(truth, scores),
        "flagged": flagged,
        "precision": hits / flagged if flagged else None,
        "recall": hits / int(truth.sum()) if truth.any() else None,
    }


def write_scores(path: Path, scored: pd.DataFrame, truth: Labels) -> None:
    """One line a row, in order: row, score, p_value, outlier, label."""
    pd.DataFrame(
        {
            "row": np.arange(len(scored)),
            "score": scored["score"].to_numpy(),
            "p_value": scored["p_value"].to_numpy(),
            "outlier": (scored["p_value"] <= OUTLIER).to_numpy().astype(int),
            "label": truth.astype(int),
        }
    ).to_csv(path, index=False)
