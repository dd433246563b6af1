"""What ``monitor evaluate`` reports and writes."""

from pathlib import Path

import pandas as pd
import pytest

from monitor.domain.errors import MonitorError
from monitor.training import evaluate_files

KEYS = {
    "objective", "contaminated", "rows_train", "rows_test", "auroc", "average_precision", "precision_at_n",
    "flagged", "precision", "recall", "fit_seconds", "score_seconds", "rows_per_second",
}  # fmt: skip


@pytest.fixture
def files(table: pd.DataFrame, broken: pd.DataFrame, tmp_path: Path) -> tuple[Path, Path]:
    train, test = tmp_path / "train.csv", tmp_path / "test.parquet"
    table[:400].assign(fault=0).to_csv(train, index=False)
    usual = table[400:].assign(fault=0)
    pd.concat([usual, broken[1:].assign(fault=1)], ignore_index=True).to_parquet(test)
    return train, test


def test_the_report_has_the_contracts_keys_and_the_scores_a_line_a_row(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "scores.csv"
    report = evaluate_files(*files, label="fault", objective="vanilla", scores=out)
    assert report.keys() == KEYS
    assert report["auroc"] > 0.99
    assert (report["rows_train"], report["rows_test"], report["contaminated"]) == (400, 203, False)
    written = pd.read_csv(out)
    assert written.columns.tolist() == ["row", "score", "p_value", "outlier", "label"]
    assert written["row"].tolist() == list(range(203))
    assert written["label"].sum() == 3
    assert (written["outlier"] == (written["p_value"] <= 0.01)).all()


def test_the_label_is_hidden_from_the_model(files: tuple[Path, Path], table: pd.DataFrame) -> None:
    labelled = pd.read_csv(files[0])
    labelled["fault"] = (labelled.index % 5 == 0).astype(int)
    with_truth = evaluate_files(files[0], files[1], label="fault", objective="vanilla")
    labelled.to_csv(files[0], index=False)
    assert (
        evaluate_files(files[0], files[1], label="fault", objective="vanilla")["auroc"] == with_truth["auroc"]
    )


def test_a_test_series_that_goes_on_from_training_has_its_context(
    series: pd.DataFrame, tmp_path: Path
) -> None:
    early = series["time"] < series["time"].quantile(0.8)
    for name, part in (("train", series[early]), ("test", series[~early])):
        part.assign(fault=0).to_csv(tmp_path / f"{name}.csv", index=False)
    out = tmp_path / "scores.csv"
    evaluate_files(
        tmp_path / "train.csv", tmp_path / "test.csv",
        label="fault", kind="sensor", time="time", entity="machine", scores=out,
    )  # fmt: skip
    assert (pd.read_csv(out)["p_value"] < 1).mean() > 0.95


def test_wrong_files_and_labels_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="no column 'truth'"):
        evaluate_files(*files, label="truth")
    with pytest.raises(MonitorError, match=r"row 0 is .*expected 0 or 1"):
        evaluate_files(*files, label="amount")
    with pytest.raises(MonitorError, match=r"nothing\.csv cannot be read"):
        evaluate_files(tmp_path / "nothing.csv", files[1], label="fault")
