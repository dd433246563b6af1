"""Parts of the score: each finds its kind of oddness, and all meet on one scale."""

import numpy as np
import pytest

from monitor.detection.memory import Marginals, Memory
from monitor.detection.neighbours import differences, nearest
from monitor.detection.residuals import Mahalanobis, Reconstruction, ResidualNeighbours
from monitor.detection.scores import Encoded, Part, Scale, Score

RNG = np.random.default_rng(0)


def encoded(z: np.ndarray, residual: np.ndarray) -> Encoded:
    views = np.stack([z, np.arcsinh(z)]).astype(np.float32)
    both = np.stack([residual, residual]).astype(np.float32)
    return Encoded(views, both, both[..., :1])


TRAIN = encoded(RNG.normal(size=(400, 3)), RNG.normal(0, 0.1, (400, 3)))
HELD = encoded(RNG.normal(size=(200, 3)), RNG.normal(0, 0.1, (200, 3)))
ODD = encoded(np.array([[0.0, 9.0, 0.0]]), np.array([[0.0, 4.0, 0.0]]))
ALL: list[type[Part]] = [Reconstruction, Mahalanobis, ResidualNeighbours, Memory, Marginals]


@pytest.mark.parametrize("part", ALL)
def test_every_part_ranks_an_odd_row_first_and_blames_its_odd_column(part: type[Part]) -> None:
    score = Score.fit([part], HELD, TRAIN)
    odd, share = score.apply(ODD)
    assert odd[0] > np.quantile(score.apply(HELD)[0], 0.95)
    assert share[0].argmax() == 1
    assert share.sum() == pytest.approx(1)


@pytest.mark.parametrize("part", ALL)
def test_every_part_is_restored_from_its_arrays(part: type[Part]) -> None:
    score = Score.fit([part], HELD, TRAIN)
    assert np.array_equal(Score.restore([part], score.arrays()).apply(ODD)[0], score.apply(ODD)[0])


def test_the_scale_gives_normal_rows_median_zero() -> None:
    raw = RNG.gamma(2, 1, (2, 5_000))
    scaled = Scale.fit(raw).apply(raw)
    assert np.median(scaled) == pytest.approx(0, abs=0.1)


def test_a_part_that_sees_nothing_hardly_hurts() -> None:
    blind = Score.fit([Memory, Reconstruction], HELD, TRAIN)
    quiet = encoded(np.array([[0.0, 9.0, 0.0]]), np.zeros((1, 3)))
    assert blind.apply(quiet)[0][0] >= Score.fit([Memory], HELD, TRAIN).apply(quiet)[0][0] - 0.1


def test_neighbours_are_exact_and_a_stored_row_is_not_its_own() -> None:
    stored = RNG.normal(size=(300, 4)).astype(np.float32)
    rows = RNG.normal(size=(50, 4)).astype(np.float32)
    distances = np.linalg.norm(rows[:, None] - stored, axis=2)
    for q in (1, 5):
        found, _ = differences(rows, stored, nearest(rows, stored, q))
        assert found == pytest.approx(np.sort(distances, axis=1)[:, :q].mean(1), rel=1e-4)
    assert differences(stored, stored, nearest(stored, stored, 1, inside=True))[0].min() > 0
