"""p-values: how many normal rows look this odd."""

import numpy as np
import pytest

from monitor.detection.calibration import Calibration


def test_the_share_of_normal_rows_flagged_is_what_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    calibration = Calibration.fit(rng.gamma(2, 1, 2_000))
    p = calibration.p_values(rng.gamma(2, 1, 50_000))
    for asked in (0.1, 0.05, 0.01):
        assert (p <= asked).mean() == pytest.approx(asked, rel=0.35)


@pytest.mark.parametrize("spread", [0.0, 1e-12, 1.0, 1e12])
def test_a_p_value_is_never_zero_nor_no_number(spread: float) -> None:
    scores = np.random.default_rng(1).normal(0, 1, 300) * spread
    p = Calibration.fit(scores).p_values(np.array([-1e300, 0, 1e300, np.inf, -np.inf, np.nan]))
    assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize("draw", ["normal", "uniform", "standard_cauchy"])
def test_a_higher_score_never_has_a_higher_p_value(draw: str) -> None:
    rng = np.random.default_rng(2)
    calibration = Calibration.fit(getattr(rng, draw)(size=150))
    p = calibration.p_values(np.linspace(-5, 50, 5_000))
    assert (np.diff(p) <= 1e-15).all()


def test_beyond_all_normal_rows_scores_still_rank() -> None:
    calibration = Calibration.fit(np.random.default_rng(3).normal(size=500))
    p = calibration.p_values(np.array([4.0, 5.0, 6.0]))
    assert p[0] > p[1] > p[2]


def test_equal_scores_are_no_outliers() -> None:
    assert Calibration.fit(np.ones(100)).p_values(np.ones(3)).tolist() == [1, 1, 1]


def test_the_document_restores_the_same_p_values() -> None:
    calibration = Calibration.fit(np.random.default_rng(4).normal(size=500))
    again = Calibration.restore(calibration.document(), calibration.scores)
    scores = np.linspace(-3, 9, 50)
    assert np.array_equal(again.p_values(scores), calibration.p_values(scores))
