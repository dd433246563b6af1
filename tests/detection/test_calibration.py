"""p-values: how many normal rows look this odd."""

import numpy as np
import pytest

from monitor.detection.calibration import Calibration, independent


def test_the_share_of_normal_rows_flagged_is_what_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    calibration = Calibration.fit(rng.gamma(2, 1, 2_000))
    p = calibration.p_values(rng.gamma(2, 1, 50_000))
    for asked in (0.1, 0.05, 0.01):
        assert (p <= asked).mean() == pytest.approx(asked, rel=0.35)


@pytest.mark.parametrize("rows", [141, 165, 334])
@pytest.mark.parametrize("draw", ["normal", "exponential", "uniform"])
def test_few_calibration_rows_do_not_flag_less_than_was_asked_for(draw: str, rows: int) -> None:
    rng = np.random.default_rng(11)
    scores = [getattr(rng, draw)(size=(400, size)) for size in (rows, 200)]
    pairs = zip(*scores, strict=True)
    p = np.concatenate([Calibration.fit(known).p_values(new) for known, new in pairs])
    assert 0.008 < (p <= 0.01).mean() < 0.0115


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
    assert (Calibration.fit(np.ones(100)).p_values(np.ones(3)) > 0.95).all()


def test_the_document_restores_the_same_p_values() -> None:
    calibration = Calibration.fit(np.random.default_rng(4).normal(size=500))
    again = Calibration.restore(calibration.document(), calibration.scores)
    scores = np.linspace(-3, 9, 50)
    assert np.array_equal(again.p_values(scores), calibration.p_values(scores))


def test_scores_that_repeat_their_neighbours_count_once() -> None:
    rng = np.random.default_rng(5)
    seconds = np.arange(6_000.0)
    alone = independent(rng.normal(size=6_000), seconds)
    repeated = independent(np.repeat(rng.normal(size=100), 60), seconds)
    assert alone > 2_000
    assert 20 <= repeated < 300
    assert independent(rng.normal(size=30), seconds[:30]) == 30


def test_high_scores_of_one_span_say_little_whatever_the_order_of_rows() -> None:
    rng = np.random.default_rng(6)
    scores = rng.normal(size=4_000) + 9 * (np.arange(4_000) < 400)
    mixed = rng.permutation(4_000)
    assert independent(scores, np.arange(4_000.0)) < 40
    assert independent(scores[mixed], mixed.astype(float)) == independent(scores, np.arange(4_000.0))


def test_a_p_value_claims_no_more_than_the_independent_rows_can_tell() -> None:
    scores = np.random.default_rng(7).normal(size=5_000)
    many, few = Calibration.fit(scores), Calibration.fit(scores, independent=50)
    top = np.array([scores.max()])
    assert few.p_values(top)[0] >= 1 / 51 > many.p_values(top)[0]
    assert few.p_values(np.median(scores)) == pytest.approx(many.p_values(np.median(scores)), abs=0.02)
    assert (np.diff(few.p_values(np.linspace(-5, 50, 5_000))) <= 1e-15).all()


@pytest.mark.parametrize("draw", ["uniform", "normal", "exponential"])
def test_beyond_what_was_counted_unseen_normal_rows_are_no_odder_than_their_p_value_says(draw: str) -> None:
    rng = np.random.default_rng(8)
    p = np.concatenate(
        [
            Calibration.fit(getattr(rng, draw)(size=500)).p_values(getattr(rng, draw)(size=50_000))
            for _ in range(40)
        ]
    )
    for level in (1e-3, 1e-4, 1e-5):
        assert (p <= level).mean() <= 1.3 * level


def test_an_end_that_few_rows_seem_to_have_is_not_believed() -> None:
    scores = np.random.default_rng(9).uniform(0, 1, 3_000)
    just, far = Calibration.fit(scores).p_values(np.array([1.05, 1.5]))
    assert 1e-4 < just < 1 / 3_000
    assert far < 1e-5


def test_a_document_of_an_earlier_release_gets_a_tail_without_an_end() -> None:
    scores = np.sort(np.random.default_rng(10).uniform(0, 1, 3_000))
    document = {"rows": 3_000, "threshold": 0.9, "shape": -0.5, "scale": 0.05}
    old = Calibration.restore(document, scores)
    assert old.p_values(np.array([1.2])) == Calibration.fit(scores).p_values(np.array([1.2])) > 1e-6
