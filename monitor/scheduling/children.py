"""What a supervisor and its children agree on; apart from both, since a child is run as a module of its own."""

import ctypes
import signal
import sys

LANES = {"data": ["notify", "pull", "score", "promote", "prune"], "train": ["train"]}
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux' prctl


def end_with_parent() -> None:
    """Ask the kernel for a signal when the parent dies (Linux); elsewhere the loop looks at the parent's number."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
