"""The network as it is served: against PyOD, against bare matrix products, and against the same run with torch.

Every side is a process of its own on one thread; sides take turns, and of several rounds the medians are compared.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks import Claim

ROUNDS = int(os.environ.get("MONITOR_BENCH_ROUNDS", 5))
PYOD, PRODUCTS, START = 50.0, 1.0, 0.5
GOAL = (
    f"at least {PYOD:.0f} x PyOD's decision_function, member for member, and {PRODUCTS:.0f} x NumPy's bare products "
    f"(ours with biases and activations, NumPy without); first score in at most {START} of torch's time and memory"
)


def run() -> Claim:
    with tempfile.TemporaryDirectory() as folder:
        prepared = side("prepare", folder)
        found: dict[str, list[dict[str, Any]]] = {}
        for _ in range(ROUNDS):
            for name in ("served", "products", "served_alone", "pyod", "start_served", "start_torch"):
                found.setdefault(name, []).append(side(name, folder))
    alone, layers = found["pyod"][0]["layers"], prepared["layers"]
    assert [sum(each) for each in alone] == [sum(each) for each in layers], (alone, layers)
    ours, torchs = (found[name][0]["scores"] for name in ("start_served", "start_torch"))
    worst = max(abs(a - b) for a, b in zip(ours, torchs, strict=True))
    assert worst < 1e-3, f"the sides score differently, by {worst}"
    middle = {
        (name, what): statistics.median(each[what] for each in rounds)
        for name, rounds in found.items()
        for what in ("seconds", "start", "memory")
        if what in rounds[0]
    }
    pyod = middle["pyod", "seconds"] / middle["served_alone", "seconds"]
    products = middle["products", "seconds"] / middle["served", "seconds"]
    start = middle["start_served", "start"] / middle["start_torch", "start"]
    memory = middle["start_served", "memory"] / middle["start_torch", "memory"]
    holds = pyod >= PYOD and products >= PRODUCTS and max(start, memory) <= START
    figure = (
        f"{pyod:.0f} x PyOD, {products:.2f} x products; {start:.2f} of the time, {memory:.2f} of the memory"
    )
    return Claim("serving", holds, figure, GOAL)


def side(name: str, folder: str) -> dict[str, Any]:
    """What a side printed, with the seconds from its start to that line, and its peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.sides.serving", name, folder]
    begun = time.perf_counter()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=said
        ) as process,
    ):
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            seconds = time.perf_counter() - begun
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{name}: {said.read().decode()[-2000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    kibibyte = 1 if sys.platform != "darwin" else 1024  # there it is counted in bytes
    return found | {"start": seconds, "memory": used.ru_maxrss / 1024 / kibibyte}
