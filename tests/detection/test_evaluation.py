"""The figures agree with scikit-learn's, ties included."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from monitor.detection.evaluation import auroc, average_precision, figures, precision_at_n

RNG = np.random.default_rng(0)
TRUTH = RNG.random(500) < 0.2
SCORES = np.round(RNG.normal(size=500) + TRUTH, 1)  # many ties


def test_ranking_figures_are_the_usual_ones() -> None:
    assert auroc(TRUTH, SCORES) == pytest.approx(roc_auc_score(TRUTH, SCORES))
    assert average_precision(TRUTH, SCORES) == pytest.approx(average_precision_score(TRUTH, SCORES))
    assert precision_at_n(np.array([True, False, True]), np.array([3.0, 2.0, 1.0])) == 0.5


def test_figures_without_anomalies_or_without_normal_rows_are_none_not_errors() -> None:
    none, every = np.zeros(5, bool), np.ones(5, bool)
    scores = np.arange(5.0)
    assert figures(none, scores, none) == {
        "auroc": None, "average_precision": None, "precision_at_n": None,
        "flagged": 0, "precision": None, "recall": None,
    }  # fmt: skip
    assert auroc(every, scores) is None
