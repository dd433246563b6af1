"""What a supervisor and its children agree on; apart from both, since a child is run as a module of its own."""

import ctypes
import os
import signal
import sys

LANES = {"data": ["notify", "pull", "readmit", "score", "promote", "prune"], "train": ["train"]}
SUPERVISED = (
    "MONITOR_SUPERVISED"  # in the environment of a supervisor's children; nohup stays possible for the rest
)
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux' prctl


def end_with_parent() -> None:
    """A supervisor's child asks the kernel for a signal when its parent dies (Linux); elsewhere workers look."""
    if sys.platform == "linux" and SUPERVISED in os.environ:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
