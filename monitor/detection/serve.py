"""The trained network in ONNX Runtime: views in, reconstructions out, one thread."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.features.base import Floats

VIEWS = 2
CELLS = 4_000_000  # float32 numbers a block may hold at its widest: 16 MB


class Network(Protocol):
    """(views, n, inputs) -> reconstruction (K, n, outputs), code (K, n, code)"""

    def __call__(self, x: Floats) -> tuple[Floats, Floats]: ...


class Session:
    """One thread: processes are what runs side by side, and a second thread on a busy machine is slower."""

    def __init__(self, model: bytes) -> None:
        import onnxruntime  # only a process that scores pays for it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        output, code = self._session.run(None, {"x": x})
        return output, code


def member_views(members: int) -> NDArray[np.intp]:
    """(K,): members take the views in turn."""
    return np.arange(members) % VIEWS


def blocks(rows: int, width: int) -> list[slice]:
    """Slices over ``rows`` whose arrays of ``width`` numbers a row stay within CELLS."""
    size = max(16, CELLS // max(width, 1))
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
