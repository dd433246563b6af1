"""Sensors that are sampled as sensors are: in bursts, each field at its own rate, falling silent, many and new."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from monitor import Detector


def times(rows: int) -> pd.DatetimeIndex:
    return pd.date_range("2026-01-05", periods=rows, freq="1min", tz="UTC")


def scored(train: pd.DataFrame, test: pd.DataFrame, **options: str) -> pd.Series:
    """p-values of ``test``, which goes on from ``train``."""
    detector = Detector(kind="sensor", time="time", **options).fit(train)
    return detector.score(test, train.tail(detector.context_rows), shares=False)["p_value"].reset_index(
        drop=True
    )


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    """A field each minute and one each hour, which wanders slowly."""
    rng, at = np.random.default_rng(0), np.arange(3_600)
    slow = 24 + 3 * np.sin(at / 400) + rng.normal(0, 0.1, len(at))
    quick = rng.normal(0, 1, len(at))
    return pd.DataFrame(
        {"time": times(len(at)), "quick": quick, "slow": np.where(at % 60 == 0, slow, np.nan)}
    )


def test_a_fault_in_a_field_that_comes_each_hour_is_found_beside_one_that_comes_each_minute(
    rates: pd.DataFrame,
) -> None:
    train, test = rates[:2_880], rates[2_880:].reset_index(drop=True)
    odd = scored(train, test.assign(slow=test["slow"] + np.where(test.index >= 300, 12, 0))) < 0.01
    assert odd[:300].mean() < 0.03
    assert odd[320:600].mean() > 0.6


def test_any_cut_of_a_stream_of_several_rates_gives_the_scores_of_one_pass(rates: pd.DataFrame) -> None:
    detector = Detector(kind="sensor", time="time").fit(rates[:2_000])
    stream = rates[2_000:].assign(quick=lambda f: f["quick"].mask((f.index > 2_500) & (f.index < 2_700)))
    parts = []
    for start, end in pairwise([0, 7, 300, 610, 640, len(stream)]):
        context = stream[:start].tail(detector.context_rows)
        parts.append(detector.score(stream[start:end], context))
    pd.testing.assert_frame_equal(pd.concat(parts), detector.score(stream), rtol=1e-4, atol=1e-4)


def test_samples_in_bursts_are_judged() -> None:
    rng = np.random.default_rng(0)
    at = np.add.outer(np.arange(200) * 600, np.arange(12)).ravel()
    frame = pd.DataFrame(
        {
            "time": pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(at, unit="s"),
            "heat": np.sin(np.arange(len(at)) / 7) + rng.normal(0, 0.1, len(at)),
        }
    )
    train, test = frame[:1_800], frame[1_800:].reset_index(drop=True)
    odd = (
        scored(train, test.assign(heat=test["heat"] + np.where(test.index.isin(range(300, 320)), 5, 0)))
        < 0.01
    )
    assert odd[300:320].mean() > 0.8
    assert odd[:300].mean() < 0.05


def test_a_field_that_falls_silent_while_others_speak_is_odd_and_a_source_that_stops_is_not() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"time": times(2_000)} | {f"f{n}": rng.normal(n, 1, 2_000) for n in range(6)})
    train, test = frame[:1_500], frame[1_500:].reset_index(drop=True)
    fields = [f"f{n}" for n in range(6)]
    off = test.index >= 200
    one = scored(train, test.assign(f3=test["f3"].mask(off)))
    assert (one[:250] < 0.01).mean() < 0.03
    assert (one[300:] < 0.01).mean() > 0.9
    stopped = test.copy()
    stopped.loc[off, fields] = np.nan
    assert (scored(train, stopped) < 0.01).mean() < 0.03


def test_a_field_that_was_often_silent_for_long_may_be_so_again() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"time": times(2_000), "a": rng.normal(0, 1, 2_000), "b": rng.normal(0, 1, 2_000)})
    frame["b"] = frame["b"].mask(frame.index % 400 > 250)
    assert (scored(frame[:1_500], frame[1_500:]) < 0.01).mean() < 0.03


def test_entities_share_one_model_and_a_new_one_is_judged_by_it() -> None:
    rng, at = np.random.default_rng(0), np.arange(600)
    machines = {name: np.sin(at / 9 + n) + rng.normal(0, 0.1, 600) for n, name in enumerate("abcdef")}
    frame = pd.concat(
        [pd.DataFrame({"time": times(600), "machine": name, "heat": heat}) for name, heat in machines.items()]
    )
    detector = Detector(kind="sensor", time="time", entity="machine").fit(frame[frame["machine"] != "f"])
    new = frame[frame["machine"] == "f"].reset_index(drop=True)
    assert (detector.score(new)["p_value"] < 0.01).mean() < 0.05
    new.loc[400:420, "heat"] += 3
    assert (detector.score(new)["p_value"][400:421] < 0.01).mean() > 0.8
