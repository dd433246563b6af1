"""Nearest rows by products say what comparing each with each says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monitor.detection.neighbours import LANE, differences, distance, nearest, spread_out

CELLS = st.floats(-50, 50, width=32) | st.sampled_from([0.0, 1.0, -1.0])
Q = st.integers(1, 40)


def tables(rows: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    return rows.flatmap(lambda n: arrays.arrays(np.float32, (n, 3), elements=CELLS))


def naive(rows: np.ndarray, stored: np.ndarray, q: int) -> np.ndarray:
    """(n,): mean of the q smallest distances, each with each in double precision."""
    apart = np.linalg.norm(rows[:, None].astype(np.float64) - stored[None], axis=2)
    return np.sort(apart, axis=1)[:, :q].mean(1)


@given(tables(st.integers(1, 30)), tables(st.integers(1, 40)), Q)
def test_the_mean_distance_is_that_of_comparing_each_with_each(
    rows: np.ndarray, stored: np.ndarray, q: int
) -> None:
    expected = naive(rows, stored, q)
    assert distance(rows, stored, q) == pytest.approx(expected, rel=1e-6, abs=1e-5)
    chosen = stored[nearest(rows, stored, q)].astype(np.float64)  # (n, q, d)
    assert np.linalg.norm(rows[:, None] - chosen, axis=2).mean(1) == pytest.approx(
        expected, rel=1e-6, abs=1e-5
    )
    assert differences(rows, stored, nearest(rows, stored, q)) == pytest.approx(
        rows - chosen.mean(1), abs=1e-3
    )


@given(tables(st.integers(2, 40)))
def test_a_stored_row_is_not_its_own_neighbour(stored: np.ndarray) -> None:
    apart = np.linalg.norm(stored[:, None].astype(np.float64) - stored[None], axis=2)
    assert distance(stored, stored, 1) == pytest.approx(np.zeros(len(stored)), abs=1e-5)
    np.fill_diagonal(apart, np.inf)
    assert distance(stored, stored, 1, np.arange(len(stored))) == pytest.approx(
        apart.min(1), rel=1e-6, abs=1e-5
    )


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3 * LANE), st.integers(1, 3 * LANE), Q)
def test_a_cut_anywhere_changes_nothing(seed: int, rows: int, stored: int, q: int) -> None:
    rng = np.random.default_rng(seed)
    some, kept = (rng.normal(size=(n, 7)).astype(np.float32) for n in (rows, stored))
    cut = int(rng.integers(rows + 1))
    parts = [distance(part, kept, q) for part in (some[:cut], some[cut:])]
    assert np.concatenate(parts) == pytest.approx(distance(some, kept, q), rel=1e-6)


def test_only_the_first_rows_are_taken_for_stored_ones() -> None:
    rows = np.random.default_rng(0).normal(size=(3 * LANE, 4)).astype(np.float32)
    found = distance(rows, rows[:200], 1, np.arange(200))
    assert found[:200].min() > 0
    assert found[200:] == pytest.approx(naive(rows[200:], rows[:200], 1), rel=1e-4)


@given(tables(st.integers(1, 40)), st.integers(1, 50))
def test_spread_out_rows_are_each_the_farthest_from_those_before(rows: np.ndarray, count: int) -> None:
    places = spread_out(rows, count)
    assert len(set(places.tolist())) == len(places) == min(count, len(rows))
    for at in range(1, len(places)):
        apart = naive(rows, rows[places[:at]], 1)
        assert apart[places[at]] >= apart.max() - 2e-3 * (1 + np.abs(rows).max())
