"""This machine's CPU, memory, disk and network: real readings on any machine."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import psutil

from monitor.domain.field import Schema
from monitor.domain.monitor import HostSource
from monitor.sources.base import PAGE, Batch, Cursor

MEGABYTE = 1e6
RATES = {
    "disk_read_mb_s": "disk_read",
    "disk_write_mb_s": "disk_written",
    "net_recv_mb_s": "net_received",
    "net_sent_mb_s": "net_sent",
}


class Host:
    """One sample a read, none within ``interval`` of the last.

    Shares and rates are means since the sample before, from counters kept in the cursor: they need no process that
    keeps running. The first read, and the first after a restart of the machine, only take the counters.

    >>> Host(HostSource(kind="host")).read({}).pulled
    0
    """

    def __init__(
        self,
        config: HostSource,
        *,
        zone: str = "UTC",
        schema: Schema | None = None,
        late: timedelta = timedelta(0),
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """zone, schema, late: unused, samples are typed, aware and on time. clock, monotonic: seconds, for tests."""
        self._interval = config.interval.total_seconds()
        self._clock, self._monotonic = clock, monotonic

    def read(self, cursor: Cursor, limit: int = PAGE) -> Batch:
        ticks, before = self._monotonic(), cursor.get("counters", {})
        elapsed = ticks - cursor.get("ticks", ticks)
        if before and 0 <= elapsed < self._interval:
            return Batch(pd.DataFrame(), cursor)
        now = _counters()
        after: Cursor = {"ticks": ticks, "counters": now}
        grown = {name: now[name] - before[name] for name in now if name in before}
        if not before or elapsed <= 0 or any(v < 0 for v in grown.values()):
            return Batch(pd.DataFrame(), after)
        at, host = datetime.fromtimestamp(self._clock(), UTC), socket.gethostname()
        sample = {"time": at, "host": host} | _levels() | _shares(grown) | _rates(grown, elapsed)
        frame = pd.DataFrame([sample]).astype({"time": "datetime64[us, UTC]"})
        return Batch(frame, after, pd.Series([f"{host}@{at.isoformat()}"], dtype="str"))


def _counters() -> dict[str, float]:
    """Counters since the machine started; those that this machine lacks are left out."""
    cpu = psutil.cpu_times()
    idle = cpu.idle + getattr(cpu, "iowait", 0.0)
    total = (
        sum(cpu) - getattr(cpu, "guest", 0.0) - getattr(cpu, "guest_nice", 0.0)
    )  # guests are in user already
    counted: dict[str, float] = {"cpu_idle": idle, "cpu_total": total}
    disk, net = psutil.disk_io_counters(), psutil.net_io_counters()
    if disk is not None:
        counted |= {"disk_read": disk.read_bytes, "disk_written": disk.write_bytes}
    if net is not None:
        counted |= {"net_received": net.bytes_recv, "net_sent": net.bytes_sent}
    return counted


def _levels() -> dict[str, float]:
    return {
        "load_1m": psutil.getloadavg()[0],
        "memory_percent": psutil.virtual_memory().percent,
        "swap_percent": psutil.swap_memory().percent,
        "disk_percent": psutil.disk_usage("/").percent,
    }


def _shares(grown: dict[str, float]) -> dict[str, Any]:
    total = grown["cpu_total"]
    busy = (total - grown["cpu_idle"]) / total if total > 0 else 0.0
    return {"cpu_percent": round(100 * min(max(busy, 0.0), 1.0), 3)}


def _rates(grown: dict[str, float], elapsed: float) -> dict[str, float]:
    return {rate: grown[name] / elapsed / MEGABYTE for rate, name in RATES.items() if name in grown}
