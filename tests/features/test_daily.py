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


def office(weeks: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Times from a Monday on and two fields: a load on weekdays alone, and a wave of every day."""
    seconds = 4 * SECONDS + np.arange(0, weeks * 7 * SECONDS, 1800.0)  # 1970 began on a Thursday
    rng = np.random.default_rng(seed)
    day, hour = seconds // SECONDS % 7, seconds / SECONDS % 1
    works = np.isin(day, [4, 5, 6, 0, 1])  # Monday to Friday, counted from that Thursday
    hump = np.exp(-(((hour - 0.5) * 6) ** 2))
    fields = [3 * hump * works, 2 * np.sin(hour * 2 * np.pi)]
    return seconds, (np.column_stack(fields) + rng.normal(0, 0.2, (len(day), 2))).astype(np.float32)


def test_a_load_of_weekdays_alone_is_a_week_that_comes_back_and_a_daily_wave_is_not() -> None:
    seconds, level = office(4)
    day = Day.fit(level, known(level), seconds)
    assert day.weekly.tolist() == [True, False]
    later, new = office(6, seed=1)
    new, later = new[later > seconds.max()], later[later > seconds.max()]
    assert np.std(new - day.at(later), axis=0).max() < 0.35


def test_a_weekday_as_quiet_as_a_sunday_stands_out_and_no_monday_does() -> None:
    seconds, level = office(4)
    day = Day.fit(level, known(level), seconds)
    noon = 4 * SECONDS + 0.5 * SECONDS + np.arange(7) * SECONDS  # Monday to Sunday
    usual = np.array([[3.0, 0.0]] * 5 + [[0.0, 0.0]] * 2)
    assert np.abs((usual - day.at(noon)) / day.spread)[:, 0].max() < 3
    assert np.abs((usual[::-1] - day.at(noon)) / day.spread)[[0, 1, 5, 6], 0].min() > 5


def test_a_week_seen_once_is_no_pattern() -> None:
    seconds, level = office(1)
    assert not Day.fit(level, known(level), seconds).weekly.any()


def test_a_day_that_was_learned_from_is_set_against_the_other_weeks() -> None:
    seconds, level = office(4)
    odd = (seconds >= 4 * SECONDS) & (seconds < 5 * SECONDS)
    level[odd, 0] += 4
    day = Day.fit(level, known(level), seconds)
    apart = level - day.left_out(level, known(level), seconds)
    assert abs(apart[odd, 0].mean() - 4) < 0.6


def test_a_day_of_before_weeks_were_learned_is_restored_as_it_was() -> None:
    seconds, level = days(4)
    document = Day.fit(level, known(level), seconds).document()
    del document["weekly"]
    day = Day.restore(document)
    assert np.array_equal(day.at(seconds), Day.fit(level, known(level), seconds).at(seconds))


def test_a_week_survives_its_document() -> None:
    seconds, level = office(3)
    day = Day.fit(level, known(level), seconds)
    again = Day.restore(day.document())
    assert again.profile.shape == (7 * BINS, 2)
    assert np.array_equal(
        again.left_out(level, known(level), seconds), day.left_out(level, known(level), seconds)
    )
