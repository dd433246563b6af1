"""Telemetry of NASA's Space Shuttle, replayed as a feed that grows by a row every few seconds.

The rows are real: the Statlog Shuttle set (https://archive.ics.uci.edu/dataset/148) as the outlier
benchmarks use it, nine channels, 49,097 rows, 7 % anomalous, shipped inside the ``river`` package. They carry
no clock and their order was lost before they were published, so the times here are made up, and anomalies are
made rarer: one short episode of genuine anomalous rows an hour, normal rows between.
"""

import io
import os
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from monitor.domain.errors import MonitorError

SPACING = timedelta(seconds=5)
BLOCK = 700  # rows with one episode among them: about an hour
LEAD = 18  # normal rows between the end of the history and the next episode: about ninety seconds
HISTORY = 6_000  # rows, rounded up so that an episode follows LEAD rows later
CHANNELS = [f"f{n}" for n in range(1, 10)]
FAULT_TICKS = 6
FULL_SCALE = 32_767  # of a 16-bit converter


def telemetry() -> pd.DataFrame:
    """The published rows in their published order: (49097, 10), channels f1..f9 and ``anomaly``.

    Raises:
        MonitorError: the river package lies somewhere without its data.
    """
    spec = find_spec("river")  # found, not imported: the import alone takes seconds
    places = (spec.submodule_search_locations or []) if spec else []
    for place in places:
        path = Path(place) / "datasets" / "shuttle.csv.gz"
        if path.exists():
            return pd.read_csv(path)[[*CHANNELS, "anomaly"]]
    raise MonitorError(
        f"the demo's telemetry ships inside the river package, which is not in {places or 'reach'}"
    )


def arrange(anomaly: np.ndarray, seed: int = 0) -> np.ndarray:
    """The order of the replay: normal rows, and in each block of 700 one episode of 2 to 5 anomalies.

    Args:
        anomaly: (rows,) 1 where the published row is anomalous.
        seed: equal seeds give equal orders.

    Returns:
        (blocks * 700,) positions in the published rows.

    >>> order = arrange(np.repeat([0, 1], [1400, 20]))
    >>> len(order), len(set(order)) == len(order)
    (1400, True)
    """
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(anomaly == 0))
    odd = rng.permutation(np.flatnonzero(anomaly == 1))
    order = normal[: len(normal) // BLOCK * BLOCK].copy()
    lengths = rng.integers(2, 6, len(order) // BLOCK)
    for block, (start, length) in enumerate(zip(rng.integers(100, 600, len(lengths)), lengths, strict=True)):
        first = block * BLOCK + start
        order[first : first + length], odd = odd[:length], odd[length:]
    return order


class ShuttleFeed:
    """One CSV file; its number of rows says which row is next, so a restart goes on where it stopped."""

    name = "shuttle"
    fault_ticks = FAULT_TICKS

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.path = folder / "shuttle.csv"
        published = telemetry()
        order = arrange(published["anomaly"].to_numpy(), seed)
        self.rows = published.iloc[order].reset_index(drop=True)
        odd = np.flatnonzero(self.rows["anomaly"])
        self.history = int(odd[odd >= HISTORY + LEAD][0]) - LEAD

    def create(self, now: datetime) -> None:
        """Write the history, ending now; a file that is there already only loses a torn last line."""
        if self.path.exists():
            self._mend()
            return
        times = [now - SPACING * (self.history - n) for n in range(self.history)]
        history = self._at(0, times)
        part = self.path.with_suffix(".part")
        history.to_csv(part, index=False)
        os.replace(part, self.path)

    def tick(self, now: datetime, fault: bool) -> int:
        """Append the next row in one write; with ``fault``, every channel reads full scale.

        Returns:
            rows written: 1.
        """
        row = self._at(self._count(), [now])
        if fault:
            row = row.assign(**dict.fromkeys(CHANNELS, FULL_SCALE), anomaly=1)
        text = io.StringIO()
        row.to_csv(text, index=False, header=False)
        with self.path.open("ab", buffering=0) as file:
            file.write(text.getvalue().encode())
        return 1

    def _at(self, first: int, times: list[datetime]) -> pd.DataFrame:
        rows = self.rows.take(np.arange(first, first + len(times)) % len(self.rows)).reset_index(drop=True)
        stamps = [t.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") for t in times]
        return pd.concat([pd.DataFrame({"time": stamps}), rows], axis=1)

    def _count(self) -> int:
        with self.path.open("rb") as file:
            return sum(1 for _ in file) - 1  # less the header

    def _mend(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.path.open("r+b") as file:
                file.truncate(whole)
