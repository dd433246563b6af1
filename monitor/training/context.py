"""The training rows that a test series goes on from, where it does."""

import pandas as pd

from monitor.detection.detector import Detector
from monitor.features.dates import as_times


def before(train: pd.DataFrame, test: pd.DataFrame, detector: Detector) -> pd.DataFrame | None:
    """The last training rows of each entity before the test begins; None where the two overlap in time."""
    options = detector.options
    if not detector.context_rows or options.time is None or test.empty:
        return None
    times = as_times(train[options.time])
    if not times.max() < as_times(test[options.time]).min():
        return None
    ordered = train.iloc[times.argsort(kind="stable")]
    if options.entity is None:
        return ordered.tail(detector.context_rows)
    return ordered.groupby(options.entity, sort=False).tail(detector.context_rows)
