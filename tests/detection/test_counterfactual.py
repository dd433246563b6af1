"""A field is blamed for what its usual value takes away."""

import numpy as np
import pytest

from monitor.detection.counterfactual import reasons

STORED = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
FIELD_OF = np.arange(3)
ROW = np.array([[4.0, 4.0, 0.0]], np.float32)
GUESS = np.array([[0.2, 0.3, 0.5]], np.float32)


def test_a_field_counts_by_the_part_of_the_score_that_sees_it() -> None:
    def oddness(z: np.ndarray) -> np.ndarray:
        general = 6 - 0.5 * (z[:, 0] < 3)  # odd whatever is mended
        particular = 3.0 * (z[:, 1] > 3)
        return np.stack([general, particular])

    share, similar = reasons(ROW, STORED, FIELD_OF, GUESS, oddness)
    assert share[0] == pytest.approx([0.5 / 3.5, 3 / 3.5, 0])
    assert np.abs(similar).max() < 3


def test_where_no_field_alone_explains_the_score_the_guess_stands() -> None:
    share, _ = reasons(ROW, STORED, FIELD_OF, GUESS, lambda z: np.ones((2, len(z))))
    assert share[0] == pytest.approx(GUESS[0])
