"""Runs of the detection yardstick; what several claims need is run once a process."""

import atexit
import importlib.util
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT.parent / "shared" / "yardstick" / "yardstick.py"
EVALUATE = Path(__file__).parent / "sides" / "evaluate.py"
ABSENT = "not measured, the labelled sets are not here (../shared, or MONITOR_TEST_DATA)"


def labelled_sets() -> Path | None:
    """The folder of labelled data; None where they or the yardstick are not at hand."""
    for folder in (os.environ.get("MONITOR_TEST_DATA"), ROOT.parent / "shared" / "data"):
        if folder and (Path(folder) / "tabular").is_dir() and SCRIPT.is_file():
            return Path(folder)
    return None


def files(kind: str) -> list[Path]:
    sets = labelled_sets()
    assert sets is not None, ABSENT
    return sorted((sets / kind).glob("*.parquet"))


@cache
def yardstick() -> ModuleType:
    """Its splits and metrics, for the peers."""
    spec = importlib.util.spec_from_file_location("yardstick", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def measured(kind: str, *options: str) -> pd.DataFrame:
    """One line a set and seed: set, seed, auroc, ap ...; what failed has no figures."""
    folder = files({"tabular": "tabular", "sensor": "ts"}[kind])[0].parent
    with tempfile.TemporaryDirectory() as place:
        rows = Path(place) / "rows.json"
        command = [sys.executable, SCRIPT, kind, folder, *options, "--monitor", _warm(), "--json", rows]
        print("---", kind, *options, flush=True)
        subprocess.run(list(map(str, command)), check=False, cwd=ROOT)  # it prints each set as it is done
        return pd.read_json(rows)


@cache
def _warm() -> str:
    """``monitor`` as the yardstick shall call it; what serves it ends with this process."""
    place = tempfile.mkdtemp()
    address = f"{place}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sides.evaluate", address],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        raise RuntimeError(f"monitor evaluate cannot be served: exit {server.wait()}")
    atexit.register(lambda: (server.communicate(), os.remove(address), os.rmdir(place)))
    return f"{sys.executable} -I -S {EVALUATE} {address}"
