"""Parts of the score: each finds its kind of oddness, and all meet on one scale."""

import numpy as np
import pytest

from monitor.detection.memory import Marginals, Memory, TrimmedMemory, WideMemory
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
ALL: list[type[Part]] = [Reconstruction, Mahalanobis, ResidualNeighbours, Memory, TrimmedMemory, Marginals]


@pytest.mark.parametrize("part", ALL)
def test_every_part_ranks_an_odd_row_first_and_blames_its_odd_column(part: type[Part]) -> None:
    score = Score.fit([part], HELD, TRAIN)
    share = score.shares(ODD)
    assert score.apply(ODD)[0] > np.quantile(score.apply(HELD), 0.95)
    assert share[0].argmax() == 1
    assert share.sum() == pytest.approx(1)


@pytest.mark.parametrize("part", ALL)
def test_every_part_is_restored_from_its_arrays(part: type[Part]) -> None:
    score = Score.fit([part], HELD, TRAIN)
    assert np.array_equal(Score.restore([part], score.arrays()).apply(ODD), score.apply(ODD))


def test_the_scale_gives_normal_rows_median_zero() -> None:
    raw = RNG.gamma(2, 1, (2, 5_000))
    scaled = Scale.fit(raw).apply(raw)
    assert np.median(scaled) == pytest.approx(0, abs=0.1)


def test_a_part_that_sees_nothing_hardly_hurts() -> None:
    blind = Score.fit([Memory, Reconstruction], HELD, TRAIN)
    quiet = encoded(np.array([[0.0, 9.0, 0.0]]), np.zeros((1, 3)))
    assert blind.apply(quiet)[0] >= Score.fit([Memory], HELD, TRAIN).apply(quiet)[0] - 0.1


def test_rows_held_back_are_remembered_and_each_is_compared_with_all_but_itself() -> None:
    memory = Memory.fit(HELD, TRAIN)
    known = np.concatenate([HELD.views, TRAIN.views], axis=1).astype(np.float64)
    apart = np.stack([np.linalg.norm(view[:200, None] - view[None], axis=2) for view in known])
    apart[:, range(200), range(200)] = np.inf
    assert memory.raw(HELD, inside=True) == pytest.approx(apart.min(2), rel=1e-5)
    assert memory.raw(HELD) == pytest.approx(0, abs=1e-5)


def test_a_clump_of_anomalies_among_the_training_rows_does_not_vouch_for_itself() -> None:
    clump = 20  # one row in twenty
    z, residual = RNG.normal(size=(400, 3)), RNG.normal(0, 0.1, (400, 3))
    z[:clump, 1], residual[:clump, 1] = 9.0, 4.0
    train = encoded(z, residual)
    trimmed, plain = (Score.fit([part], HELD, train) for part in (TrimmedMemory, Memory))
    usual = np.quantile(trimmed.apply(HELD), 0.99)
    assert (trimmed.apply(train)[:clump] > usual).all()
    assert (plain.apply(train)[:clump] < usual).all()


def test_a_value_on_and_beside_the_grid_has_the_tail_that_counting_gives() -> None:
    values = np.concatenate([np.zeros(400), RNG.normal(size=1_600), [5.0, -5.0]]).astype(np.float32)[:, None]
    train = encoded(values, values)
    part = Marginals.fit(train, train)
    grid = part.grid[:, 0]
    below = (grid <= values).mean(1)
    above = (grid >= values).mean(1)
    expected = -np.log(np.clip(2 * np.minimum(below, above), 1 / (2 * len(grid)), 1))
    assert part.blame(train)[:, 0] == pytest.approx(expected, abs=2e-3)
    assert (grid == 0).sum() > 100


def test_a_bundle_from_before_there_was_a_coreset_uses_all_its_rows() -> None:
    stored = np.zeros((2, 700, 3), np.float32)
    assert Memory.restore({"stored": stored}).used == 700
    again = Memory.fit(HELD, TRAIN).arrays()
    assert Memory.restore(again).used == again["used"][0] == 600


def test_how_a_row_is_scored_does_not_depend_on_the_rows_beside_it() -> None:
    rows = encoded(RNG.normal(size=(700, 3)), RNG.normal(0, 0.1, (700, 3)))
    score = Score.fit([ResidualNeighbours, Memory, WideMemory, Marginals], HELD, TRAIN)
    whole = score.apply(rows)
    for start, end in ((0, 1), (5, 140), (333, 700)):
        assert score.apply(rows.take(slice(start, end))) == pytest.approx(whole[start:end], abs=1e-5)
