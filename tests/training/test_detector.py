"""The detector as its users see it, for every objective."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor import Detector
from monitor.domain.errors import BundleCorrupt, MonitorError, NotEnoughRows

OBJECTIVES = ("vanilla", "sparse", "denoising", "variational")
COLUMNS = ["score", "p_value", "ready"]


@pytest.fixture(scope="session")
def detector(table: pd.DataFrame) -> Detector:
    return Detector(objective="vanilla", contaminated=False).fit(table)


@pytest.mark.parametrize("contaminated", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_flags_what_is_odd_and_names_the_field(
    table: pd.DataFrame, broken: pd.DataFrame, objective: str, contaminated: bool
) -> None:
    scored = Detector(objective=objective, contaminated=contaminated).fit(table).score(broken)
    shares = scored.drop(columns=COLUMNS)
    assert scored.index.tolist() == ["a", "b", "c", "d"]
    assert scored["p_value"].iloc[0] > 0.05
    assert (scored["p_value"].iloc[1:] <= 0.01).all()
    assert shares.sum(axis=1).to_numpy() == pytest.approx(np.ones(4), abs=1e-5)
    assert shares.iloc[1].idxmax() in ("share_amount", "share_weight")
    assert shares.iloc[2:].idxmax(axis=1).tolist() == ["share_noise", "share_country"]


def test_the_same_seed_gives_the_same_bundle(table: pd.DataFrame) -> None:
    first, second = (Detector(objective="sparse", seed=7).fit(table) for _ in range(2))
    assert first._sealed().model == second._sealed().model
    pd.testing.assert_frame_equal(first.score(table), second.score(table), check_exact=True)
    assert not Detector(objective="sparse", seed=8).fit(table).score(table).equals(first.score(table))


def test_training_leaves_the_callers_random_numbers_alone(table: pd.DataFrame) -> None:
    import torch

    torch.manual_seed(1)
    undisturbed = torch.rand(3)
    torch.manual_seed(1)
    Detector(objective="vanilla").fit(table)
    assert torch.equal(torch.rand(3), undisturbed)


def test_saved_and_loaded_it_scores_the_same(detector: Detector, table: pd.DataFrame, tmp_path: Path) -> None:
    expected = detector.score(table)
    detector.save(tmp_path / "bundle")
    for again in (Detector.load(tmp_path / "bundle"), Detector.from_bytes(detector.to_bytes())):
        pd.testing.assert_frame_equal(again.score(table), expected, check_exact=True)
        assert again.options == detector.options
        assert again.version_facts == detector.version_facts
    (tmp_path / "bundle" / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleCorrupt, match="sha256"):
        Detector.load(tmp_path / "bundle")


def test_scoring_never_loads_torch(detector: Detector, table: pd.DataFrame, tmp_path: Path) -> None:
    detector.save(tmp_path)
    table.to_parquet(tmp_path / "table.parquet")
    script = (
        "import sys, pandas; from monitor import Detector;"
        f"d = Detector.load({str(tmp_path)!r}); f = pandas.read_parquet({str(tmp_path / 'table.parquet')!r});"
        "d.score(f); d.explain(f, [0]); print(sorted({'torch', 'pytorch_lightning', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_importing_monitor_loads_next_to_nothing() -> None:
    script = "import sys, monitor; print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_an_explanation_is_json_in_the_fields_own_units(detector: Detector, broken: pd.DataFrame) -> None:
    explained = detector.explain(broken, [2, 3])
    assert json.loads(json.dumps(explained)) == explained
    noise, country = explained[0][0], explained[1][0]
    assert (noise["field"], noise["actual"]) == ("noise", 30.0)
    assert noise["low"] < 0 < noise["high"] < 5
    assert abs(noise["expected"]) < 30
    assert (country["field"], country["actual"], country["expected"]) == ("country", "XX (unseen)", "DE")
    assert sum(field["share"] for field in explained[0]) == pytest.approx(1, abs=1e-5)


def test_rows_that_hold_no_number_at_all_get_a_score(detector: Detector, broken: pd.DataFrame) -> None:
    empty = broken.astype(object).mask(broken.notna())
    scored = detector.score(pd.concat([empty, empty.assign(amount=np.inf)]))
    assert np.isfinite(scored[["score", "p_value"]].to_numpy()).all()


def test_no_rows_give_no_scores(detector: Detector, table: pd.DataFrame) -> None:
    assert len(detector.score(table[:0])) == 0
    assert detector.explain(table, []) == []


def test_blocks_give_the_scores_of_one_pass(
    detector: Detector, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detector.score(table)
    monkeypatch.setattr("monitor.detection.serve.CELLS", 1)
    pd.testing.assert_frame_equal(detector.score(table), whole, rtol=1e-4, atol=1e-5)


def test_version_facts_tell_what_was_trained_and_why(detector: Detector, table: pd.DataFrame) -> None:
    facts = detector.version_facts
    assert facts["rows_trained"] + facts["rows_calibrated"] == facts["rows"] == len(table)
    assert facts["objective"] == "vanilla"
    assert facts["reason"]
    assert facts["curve"][0][1] > facts["curve"][-1][1]
    assert facts["curve"][0][2] > facts["curve"][-1][2] > 0  # on rows that training did not see


def test_auto_says_what_it_took_and_why(table: pd.DataFrame) -> None:
    for contaminated, objective in ((True, "sparse"), (False, "denoising")):
        facts = Detector(contaminated=contaminated).fit(table).version_facts
        assert facts["objective"] == objective
        assert "480 training rows of 4 fields" in facts["reason"]
        assert ("1 other is not counted" in facts["reason"]) == contaminated  # the country


def test_auto_is_no_other_than_the_objective_that_it_takes(table: pd.DataFrame) -> None:
    """What the benchmarks rely on, which do not run both."""
    auto, named = (Detector(objective=name).fit(table[:200]) for name in ("auto", "sparse"))
    pd.testing.assert_frame_equal(auto.score(table), named.score(table), check_exact=True)


def test_progress_runs_from_nought_to_one(table: pd.DataFrame) -> None:
    seen: list[float] = []
    Detector(objective="vanilla").fit(table, lambda fraction, words: seen.append(fraction))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert len(seen) > 10


def test_training_writes_nothing_to_disk_nor_to_the_terminal(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Detector(objective="vanilla").fit(table)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_wrong_requests_name_what_is_legal(table: pd.DataFrame) -> None:
    with pytest.raises(MonitorError, match="'best'; expected one of auto, vanilla"):
        Detector(objective="best")
    with pytest.raises(MonitorError, match="'video'; expected one of tabular, sensor"):
        Detector(kind="video")
    with pytest.raises(MonitorError, match="time column"):
        Detector(kind="sensor")
    with pytest.raises(MonitorError, match="not fitted"):
        Detector().score(table)
    with pytest.raises(NotEnoughRows, match="19 rows"):
        Detector().fit(table[:19])


@pytest.mark.parametrize("rows", [20, 33])
def test_few_rows_are_enough(table: pd.DataFrame, broken: pd.DataFrame, rows: int) -> None:
    for contaminated in (False, True):
        scored = Detector(objective="vanilla", contaminated=contaminated).fit(table[:rows]).score(broken)
        assert np.isfinite(scored["score"]).all()


@pytest.mark.parametrize(("objective", "contaminated"), [("vanilla", False), ("vanilla", True)])
def test_unseen_normal_rows_are_flagged_as_often_as_was_said(objective: str, contaminated: bool) -> None:
    X = np.random.default_rng(0).normal(size=(6_000, 12)) @ np.random.default_rng(1).normal(size=(12, 12))
    frame = pd.DataFrame(X).rename(columns="f{}".format)
    p = (
        Detector(objective=objective, contaminated=contaminated)
        .fit(frame[:1_500])
        .score(frame[1_500:])["p_value"]
    )
    assert (p <= 0.01).mean() == pytest.approx(0.01, abs=0.015)
    assert (p <= 0.1).mean() == pytest.approx(0.1, abs=0.04)  # 300 rows calibrate
