"""The forecast that needs no training: ridge regression of a window's last step on the steps before it."""

import numpy as np
from numpy.typing import NDArray

from monitor.detection.sensor import visible
from monitor.detection.serve import blocks
from monitor.features.base import Floats

RIDGE = 0.03  # of the mean variance


def forecast(view: Floats, places: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Weight (inputs, fields) and bias (1, fields) from a view (n, fields) and its windows (m, steps).

    B = C_vv^-1 C_vt with C the ridged covariance of windows.
    """
    inputs, fields = (places.shape[1] - 1) * view.shape[1], view.shape[1]
    total, square = np.zeros(inputs + fields), np.zeros((inputs + fields, inputs + fields))
    for rows in blocks(len(places), inputs + fields):
        windows = view[places[rows]]  # (b, steps, fields)
        joint = np.concatenate([visible(windows), windows[:, -1]], axis=1).astype(np.float64)
        total += joint.sum(0)
        square += joint.T @ joint
    mean = total / len(places)
    C = square / len(places) - np.outer(mean, mean)
    ridge = RIDGE * np.trace(C) / len(C) + 1e-6
    weight = np.linalg.solve(C[:inputs, :inputs] + ridge * np.eye(inputs), C[:inputs, inputs:])
    bias = mean[inputs:] - mean[:inputs] @ weight
    return weight.astype(np.float32), bias[None].astype(np.float32)
