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
from monitor.features.dates import as_times
from monitor.features.numbers import as_numbers
from monitor.sources.files.packed import DAMAGED
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
    for frame, path in ((train, train_path), (test, test_path)):
        _check(frame, path, [n for n in (time, entity, *exclude, *categorical) if n is not None], time)
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
    scored = detector.score(test, before(train, test, detector))
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
        frame = read(path)
    except (OSError, ValueError, *DAMAGED) as fault:
        words = (str(fault).strip() or type(fault).__name__).splitlines()[0]
        raise MonitorError(f"{path} cannot be read: {words}; expected CSV or Parquet") from fault
    if frame.empty:
        raise MonitorError(f"{path} has no rows; expected some beside the header")
    return frame


def _check(frame: pd.DataFrame, path: str | Path, named: Sequence[str], time: str | None) -> None:
    """Columns that the options name are there, and the time is one."""
    for name in named:
        if name not in frame.columns:
            raise _absent(frame, name, path)
    if time is not None and as_times(frame[time]).isna().all():
        some = repr(str(frame[time].iloc[0]))
        raise MonitorError(f"{path}: {time} holds no times, such as {some}; expected 2026-03-29T14:30:00Z")


def _absent(frame: pd.DataFrame, name: str, path: str | Path) -> MonitorError:
    listed = ", ".join(map(str, frame.columns[:50]))
    return MonitorError(f"{path} has no column {name!r}; it has {listed}")


def labels(frame: pd.DataFrame, label: str, where: str | Path) -> NDArray[np.bool_]:
    """(n,): whether a row is labelled an anomaly; anything but 0, 1, true and false is refused."""
    if label not in frame.columns:
        raise _absent(frame, label, where)
    values = as_numbers(frame[label])
    wrong = ~np.isin(values, (0.0, 1.0))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise MonitorError(f"{where}: label of row {at} is {frame[label].tolist()[at]!r}; expected 0 or 1")
    truth: NDArray[np.bool_] = values == 1
    return truth
