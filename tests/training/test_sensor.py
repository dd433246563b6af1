"""Series: any cut of the stream scores the same, and a fault is seen where and when it is."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from monitor import Detector

OBJECTIVES = ("vanilla", "sparse", "denoising", "variational")


def sensors(objective: str = "auto", **options: bool) -> Detector:
    return Detector("sensor", objective, contaminated=False, time="time", entity="machine", **options)


@pytest.fixture(scope="session")
def detector(series: pd.DataFrame) -> Detector:
    return sensors().fit(series)


def faulty(series: pd.DataFrame) -> pd.DataFrame:
    """Machine a overheats by 3 degrees for 30 minutes."""
    frame = series.copy()
    frame.loc[300:329, "heat"] += 3.0
    return frame


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_sees_the_fault_in_its_field(series: pd.DataFrame, objective: str) -> None:
    detector = sensors(objective).fit(series)
    scored = detector.score(faulty(series))
    assert (scored["p_value"][305:330] <= 0.01).mean() > 0.8
    assert (scored["p_value"][60:290] > 0.001).all()
    assert (scored["share_heat"][305:330] > 0.5).all()
    assert scored["share_heat"].to_numpy() + scored["share_load"].to_numpy() == pytest.approx(1, abs=1e-5)


def test_a_fault_that_is_over_is_not_told_again_and_hides_no_later_one(
    detector: Detector, series: pd.DataFrame
) -> None:
    frame = faulty(series)
    frame.loc[420:429, "heat"] -= 6.0
    odd = detector.score(frame)["p_value"] <= 0.001
    assert odd[300:330].mean() > 0.5 and odd[420:430].mean() > 0.5
    over = pd.concat([odd[365:420], odd[455:700]])  # once no window holds the fault any more
    assert over.mean() < 0.02


@pytest.mark.parametrize("cuts", [(350,), (55, 56, 300), tuple(range(30, 700, 50))])
def test_any_cut_of_the_stream_gives_the_scores_of_one_pass(
    detector: Detector, series: pd.DataFrame, cuts: tuple[int, ...]
) -> None:
    stream = faulty(series).assign(heat=lambda f: f["heat"].mask(np.arange(len(f)) % 90 < 3))
    stream = stream.sort_values("time", kind="stable")
    whole, parts, bounds = detector.score(stream), [], [0, *(2 * cut for cut in cuts), len(stream)]
    for start, end in pairwise(bounds):
        context = stream[:start].groupby("machine").tail(detector.context_rows)
        parts.append(detector.score(stream[start:end], context))
    pd.testing.assert_frame_equal(pd.concat(parts), whole, rtol=1e-4, atol=1e-4)


def test_rows_in_any_order_get_their_own_scores(detector: Detector, series: pd.DataFrame) -> None:
    mixed = series.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        detector.score(mixed).loc[series.index], detector.score(series), rtol=1e-4, atol=1e-4
    )


def test_a_causal_score_does_not_change_with_what_comes_after(
    detector: Detector, series: pd.DataFrame
) -> None:
    later = series.copy()
    later.loc[400:699, "heat"] = 999.0
    before = detector.score(later)[:400]
    pd.testing.assert_frame_equal(before, detector.score(series)[:400], rtol=1e-4, atol=1e-4)


def test_rows_without_their_context_say_so_and_are_never_flagged(
    detector: Detector, series: pd.DataFrame
) -> None:
    scored = detector.score(series.assign(heat=1e6))
    waiting = scored[~scored["ready"]]
    steps = detector.version_facts["steps"]
    assert len(waiting) == 3 * (steps - 1)  # two machines, of which one has a gap
    assert (waiting["p_value"] == 1).all()
    assert np.isfinite(scored["score"]).all()


def test_a_missing_cell_is_no_anomaly(detector: Detector, series: pd.DataFrame) -> None:
    holes = series.assign(heat=series["heat"].mask(series.index.isin(range(300, 310))))
    assert (detector.score(holes)["p_value"][300:310] > 0.01).all()


def test_offline_scores_may_look_ahead(series: pd.DataFrame) -> None:
    scored = sensors(offline=True).fit(series).score(faulty(series))["score"]
    assert scored[290:300].mean() > scored[100:250].mean()


def test_an_explanation_tells_the_forecast_in_the_fields_own_units(
    detector: Detector, series: pd.DataFrame
) -> None:
    frame = faulty(series)
    heat = detector.explain(frame[300:], [10], frame[:300])[0][0]
    assert heat["field"] == "heat"
    assert heat["actual"] == pytest.approx(frame["heat"][310])
    assert heat["low"] < heat["expected"] < heat["high"]


def test_the_same_seed_gives_the_same_scores(detector: Detector, series: pd.DataFrame) -> None:
    again = sensors().fit(series)
    pd.testing.assert_frame_equal(again.score(series), detector.score(series), check_exact=True)


def test_saved_and_loaded_it_scores_the_same(detector: Detector, series: pd.DataFrame) -> None:
    again = Detector.from_bytes(detector.to_bytes())
    pd.testing.assert_frame_equal(again.score(series), detector.score(series), check_exact=True)


@pytest.mark.parametrize("rows", [20, 45, 100])
def test_a_short_series_can_be_learned(series: pd.DataFrame, rows: int) -> None:
    scored = sensors().fit(series[:rows]).score(series)
    assert np.isfinite(scored["score"]).all()
