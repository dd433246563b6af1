"""Forecast and shape in closed form, from sums that can be taken apart again."""

import numpy as np
import pytest

from monitor.detection.surprise import views_of
from monitor.training.linear import Moments, shape

RNG = np.random.default_rng(0)
TURN = np.arange(900) / 7
VIEW = np.column_stack([np.sin(TURN), np.cos(TURN)]).astype(np.float32) + RNG.normal(
    0, 0.01, (900, 2)
).astype(np.float32)
PLACES = np.arange(892)[:, None] + np.arange(8)


def test_sums_less_those_of_a_fold_are_the_sums_of_the_others() -> None:
    left = Moments.of(VIEW, PLACES) - Moments.of(VIEW, PLACES[:300])
    rest = Moments.of(VIEW, PLACES[300:])
    assert left.rows == rest.rows
    assert left.square == pytest.approx(rest.square)
    assert left.mean == pytest.approx(rest.mean, abs=1e-9)


def test_the_forecast_foretells_a_wave() -> None:
    weight, bias = Moments.of(VIEW, PLACES).forecast(2)
    windows = VIEW[PLACES].reshape(len(PLACES), -1)
    assert np.abs(windows[:, -2:] - (windows[:, :-2] @ weight + bias)).max() < 0.2


def test_a_shape_passes_what_it_knows_and_is_surprised_by_a_bend() -> None:
    views = views_of(VIEW)
    known = shape([Moments.of(view, PLACES) for view in views])
    windows = views[:, PLACES]  # (2, m, steps, fields)
    bent = windows.copy()
    bent[:, :, 4, 0] += 2
    assert known.squares(bent)[:, :, 0].mean() > 50 * known.squares(windows)[:, :, 0].mean()
