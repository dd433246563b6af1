"""Moving means stay within their segment, and trailing ones fade."""

import numpy as np
import pytest

from monitor.detection.smoothing import FADED, moving_mean

FIRST = np.array([0] * 30 + [30] * 12)
VALUES = np.random.default_rng(0).normal(size=(42, 2))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("width", [1, 5, 41])
def test_the_mean_is_over_the_rows_of_the_segment_alone(width: int, centred: bool) -> None:
    smooth = moving_mean(VALUES, FIRST, width, centred)
    for at in range(42):
        low, high = (at - width // 2, at + width // 2) if centred else (at - width + 1, at)
        inside = np.array([i for i in range(max(low, 0), min(high, 41) + 1) if FIRST[i] == FIRST[at]])
        weights = np.ones(len(inside)) if centred else np.exp(-FADED / width * (at - inside))
        assert smooth[at] == pytest.approx(np.average(VALUES[inside], axis=0, weights=weights))


@pytest.mark.parametrize("centred", [False, True])
def test_rows_that_a_segment_does_not_have_count_as_usual(centred: bool) -> None:
    smooth = moving_mean(np.full(42, 7.0), FIRST, 41, centred, usual=1.0)
    assert (smooth < 7).all()
    assert smooth[0] < smooth[15]
    assert moving_mean(np.full(42, 7.0), FIRST, 5, centred, usual=1.0)[10] == pytest.approx(7)


def test_a_huge_value_leaves_nothing_behind() -> None:
    values = np.r_[1e16, np.ones(41)]
    assert moving_mean(values, np.zeros(42, int), 5, False)[-1] == 1
