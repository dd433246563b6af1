"""The usual day: learned where days are alike, never from the day that is judged."""

import numpy as np
import pytest

from monitor.features.daily import BINS, SECONDS, Day

STEP = 600.0  # seconds


def days(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Times and two fields: one with a daily wave, one of noise."""
    seconds = np.arange(0, count * SECONDS, STEP)
    rng = np.random.default_rng(seed)
    wave = 2 * np.sin(seconds / SECONDS * 2 * np.pi) + rng.normal(0, 0.2, len(seconds))
    return seconds, np.column_stack([wave, rng.normal(0, 1, len(seconds))]).astype(np.float32)


def known(level: np.ndarray) -> np.ndarray:
    return np.zeros(level.shape, bool)


def test_a_wave_that_comes_back_every_day_is_learned_and_noise_is_not() -> None:
    seconds, level = days(5)
    day = Day.fit(level, known(level), seconds)
    rest = (level - day.at(seconds)) / day.spread
    assert np.std(level[:, 0] - day.at(seconds)[:, 0]) < 0.4
    assert rest[:, 0].std() == pytest.approx(1, abs=0.2)
    assert not day.profile[:, 1].any()
    assert (day.spread[1], day.middle[1]) == (1, 0)


def test_a_day_seen_once_is_no_pattern() -> None:
    seconds, level = days(1)
    assert not Day.fit(level, known(level), seconds).profile.any()


def test_a_row_that_was_learned_from_is_set_against_the_other_days() -> None:
    seconds, level = days(4)
    odd = (seconds >= SECONDS) & (seconds < 1.25 * SECONDS)
    level[odd, 0] += 4
    day = Day.fit(level, known(level), seconds)
    apart = level - day.left_out(level, known(level), seconds)
    assert apart[odd, 0].mean() > level[odd, 0].mean() - day.at(seconds)[odd, 0].mean()
    assert abs(apart[odd, 0].mean() - 4) < 0.5


def test_missing_cells_and_times_are_left_out_of_the_pattern() -> None:
    seconds, level = days(4)
    missing = known(level)
    missing[::3, 0] = True
    holed = np.where(missing, 0, level).astype(np.float32)
    seconds[5] = np.nan
    day = Day.fit(holed, missing, seconds)
    assert np.std((level - day.at(seconds))[6:, 0]) < 0.4
    assert np.isfinite(day.at(seconds)).all()
    assert np.isfinite(day.left_out(holed, missing, seconds)).all()


def test_the_document_restores_the_same_day() -> None:
    seconds, level = days(3)
    day = Day.fit(level, known(level), seconds)
    again = Day.restore(day.document())
    assert again.profile.shape == (BINS, 2)
    assert np.array_equal(again.at(seconds), day.at(seconds))
