"""What ``monitor evaluate`` does: fit on one labelled file, score another, and say how well."""

import time as clock
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.detector import Detector
from monitor.detection.evaluation import OUTLIER, figures, write_scores
from monitor.domain.errors import MonitorError
from monitor.features.numbers import as_numbers
from monitor.training.context import before


def evaluate_files(
    train_path: str | Path,
    test_path: str | Path,
    *,
    label: str,
    kind: str = "tabular",
    time: str | None = None,
    entity: str | None = None,
    exclude: Sequence[str] = (),
    categorical: Sequence[str] = (),
    objective: str = "auto",
    seed: int = 0,
    scores: str | Path | None = None,
    contaminated: bool = False,
    offline: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Figures on ``test_path`` of a detector fitted on ``train_path`` (CSV or Parquet).

    ``label`` is hidden from the model; rows labelled 1 in the training file stay in it. ``scores`` is where one
    line a test row is written. Raises MonitorError when a file cannot be read or the label is absent.
    """
    train, test = read_frame(train_path), read_frame(test_path)
    truth = labels(test, label, test_path)
    detector = Detector(
        kind,
        objective,
        contaminated,
        seed,
        categorical=categorical,
        exclude=[label, *exclude],
        entity=entity,
        time=time,
        offline=offline,
    )
    started = clock.perf_counter()
    detector.fit(train, progress)
    fitted = clock.perf_counter()
    scored = detector.score(test, before(train, test, detector), shares=False)
    seconds = clock.perf_counter() - fitted
    if scores is not None:
        write_scores(Path(scores), scored, truth)
    outlier = (scored["p_value"] <= OUTLIER).to_numpy()
    return {
        "objective": detector.version_facts["objective"],
        "contaminated": contaminated,
        "rows_train": len(train),
        "rows_test": len(test),
        **figures(truth, scored["score"].to_numpy(), outlier),
        "fit_seconds": round(fitted - started, 3),
        "score_seconds": round(seconds, 3),
        "rows_per_second": round(len(test) / max(seconds, 1e-9)),
    }


def read_frame(path: str | Path) -> pd.DataFrame:
    """A CSV (compressed or not) or Parquet file, by its name."""
    read = pd.read_parquet if str(path).endswith((".parquet", ".pq")) else pd.read_csv
    try:
        return read(path)
    except (OSError, ValueError) as fault:
        raise MonitorError(f"{path} cannot be read: {fault}; expected CSV or Parquet") from fault


def labels(frame: pd.DataFrame, label: str, where: str | Path) -> NDArray[np.bool_]:
    """(n,): whether a row is labelled an anomaly; anything but 0, 1, true and false is refused."""
    if label not in frame.columns:
        raise MonitorError(f"{where} has no column {label!r}; it has {', '.join(map(str, frame.columns))}")
    values = as_numbers(frame[label])
    wrong = ~np.isin(values, (0.0, 1.0))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise MonitorError(f"{where}: label of row {at} is {frame[label].iloc[at]!r}; expected 0 or 1")
    truth: NDArray[np.bool_] = values == 1
    return truth
