"""A dashboard in a process of its own, and a chromium to look at it with."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SERVE = (
    "import sys; from monitor.settings import Settings; from monitor.web.asgi import serve; "
    "serve(Settings(database_url=sys.argv[1], actor='ana'), int(sys.argv[2]))"
)


def require_chromium() -> None:
    if not Path(CHROMIUM).exists() and os.environ.get("MONITOR_TEST_REQUIRE") != "1":
        pytest.skip(f"no chromium at {CHROMIUM}")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The dashboard's address and its process, started outside of the checkout."""
    port, root = free_port(), str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, url, str(port)],
        cwd=folder,
        env=environment,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/healthz") or process.poll() is not None, 40)
        assert process.poll() is None, (folder / "log").read_text()
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            log.close()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def wait_until(true: object, seconds: float = 15) -> None:
    """Ask again until it holds.

    Raises:
        AssertionError: it did not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.05)
