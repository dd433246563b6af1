"""Places at which crash tests kill this process, as a power cut would."""

import os
import signal
from collections import Counter

FAIL_POINT = "MONITOR_FAIL_POINT"  # of crash tests: "notify.sent"; "pull.before-commit:3" is the third time
_passed: Counter[str] = Counter()


def fail_point(name: str) -> None:
    """Die here, as a power cut would, when a crash test named this point."""
    point, _, times = os.environ.get(FAIL_POINT, "").partition(":")
    if name != point:
        return
    _passed[name] += 1
    if _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
