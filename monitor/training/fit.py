"""One frame and its options to one bundle: held-back rows, features, network, score, calibration."""

import platform
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from monitor.detection.bundle import Bundle
from monitor.detection.calibration import Calibration
from monitor.detection.options import Options
from monitor.domain.errors import NotEnoughRows
from monitor.domain.writing import counted
from monitor.training.fit_sensor import fit_sensor
from monitor.training.fit_tabular import fit_tabular
from monitor.training.fitted import Fitted
from monitor.training.train import Progress, one_thread

FEWEST = 20
CURVE = 60  # points kept of the training curve


def fit(
    frame: pd.DataFrame,
    options: Options,
    on_progress: Progress | None = None,
    context: pd.DataFrame | None = None,
) -> Bundle:
    """Trains a detector on ``frame`` (n rows); ``context``: further rows that belong to the past of its entities.

    ``on_progress`` gets a fraction 0..1 and words. The same frame, options and seed give the same bundle but
    for its seconds. Raises NotEnoughRows below 20 rows, and MonitorError when no column can be a field.
    """
    if len(frame) < FEWEST:
        raise NotEnoughRows(f"{counted(len(frame), 'row')} to train on; expected at least {FEWEST}")
    started = time.perf_counter()
    tell = on_progress or (lambda fraction, message: None)
    tell(0.0, "reading fields")
    with one_thread():
        if options.kind == "sensor":
            fitted = fit_sensor(frame, options, tell)
        else:
            fitted = fit_tabular(frame, options, tell, context)
    calibration = Calibration.fit(fitted.held_scores, fitted.independent)
    arrays = {**fitted.scorer.arrays(), "calibration": calibration.scores}
    manifest = {
        "options": options.document(),
        "scorer": fitted.scorer.document(),
        "calibration": calibration.document(),
        "facts": _facts(frame, options, fitted, calibration, time.perf_counter() - started),
    }
    tell(1.0, "trained")
    return Bundle(fitted.model, arrays, manifest)


def _facts(
    frame: pd.DataFrame, options: Options, fitted: Fitted, calibration: Calibration, seconds: float
) -> dict[str, Any]:
    thin = max(1, -(-len(fitted.curve) // CURVE))
    packages = ("torch", "pytorch-lightning", "onnxruntime", "numpy", "pandas")
    return {
        "rows": len(frame),
        "rows_trained": fitted.rows_trained,
        "rows_calibrated": len(fitted.held_scores),
        "rows_compared": int(calibration.independent),
        "objective": fitted.objective,
        "reason": fitted.reason,
        "seed": options.seed,
        "contaminated": options.contaminated,
        "fields": fitted.scorer.fields,
        "refused": fitted.refused,
        "curve": [[step, *(None if loss is None else round(loss, 6) for loss in losses)]
                  for step, *losses in fitted.curve[::thin]],
        "held_back_scores": np.quantile(fitted.held_scores, [0.5, 0.9, 0.99]).tolist(),
        "seconds": round(seconds, 3),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        **fitted.more,
    }  # fmt: skip
