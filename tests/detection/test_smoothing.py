"""Moving means stay within their segment."""

import numpy as np
import pytest

from monitor.detection.smoothing import moving_mean

FIRST = np.array([0] * 30 + [30] * 12)
VALUES = np.random.default_rng(0).normal(size=(42, 2))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("width", [1, 5, 41])
def test_the_mean_is_over_the_rows_of_the_segment_alone(width: int, centred: bool) -> None:
    smooth = moving_mean(VALUES, FIRST, width, centred)
    for at in range(42):
        low, high = (at - width // 2, at + width // 2) if centred else (at - width + 1, at)
        inside = [i for i in range(max(low, 0), min(high, 41) + 1) if FIRST[i] == FIRST[at]]
        assert smooth[at] == pytest.approx(VALUES[inside].mean(0))


def test_a_huge_value_leaves_nothing_behind() -> None:
    values = np.r_[1e16, np.ones(41)]
    assert moving_mean(values, np.zeros(42, int), 5, False)[-1] == 1
