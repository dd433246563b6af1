"""``monitor demo up``: feeds, configuration and everything that runs, from nothing or from where it was."""

import os
import socket
import sys
from datetime import UTC, datetime

from monitor.app import open_context
from monitor.demo.document import demo_document
from monitor.demo.feeder import open_feeds
from monitor.demo.folder import at_work, feeds_folder
from monitor.domain.errors import MonitorError
from monitor.jobs import configuration
from monitor.jobs.apply import apply
from monitor.scheduling import up as supervise
from monitor.settings import Settings
from monitor.storage import configuration as applied
from monitor.storage import schema

WELCOME = """
The dashboard: http://127.0.0.1:{port}

  shuttle    real Space Shuttle telemetry, replayed; its times are made up
  payments   simulated card payments with known fraud
  host       this machine, learning until it has enough samples

{coming}
A fault on demand, from a second terminal:

  MONITOR_HOME={home} {monitor} demo break shuttle      (or payments)

Everything is kept in {home}. Ctrl-C stops it; the next start goes on from here.
"""
FIRST = "The models are being trained: the first alerts are there within about a minute.\n"
AGAIN = "Going on from where it was.\n"


def up(settings: Settings, port: int = 8501) -> None:
    """Run the demo until SIGINT or SIGTERM.

    Raises:
        MonitorError: the port is taken, or a demo is at work in this home already.
    """
    os.environ.setdefault("MONITOR_LOG", "warning")  # this terminal is read by a person, not by a log
    with at_work(settings.home):
        _free(port)
        print("Preparing the feeds ...", flush=True)
        first = prepare(settings)
        monitor = os.path.relpath(os.path.join(os.path.dirname(sys.executable), "monitor"))
        words = {"port": port, "home": settings.home, "monitor": monitor, "coming": FIRST if first else AGAIN}
        print(WELCOME.format(**words), flush=True)
        feeder = [sys.executable, "-m", "monitor.demo.feeder", str(settings.home)]
        supervise(settings, port, dashboard=True, extra=[feeder])


def prepare(settings: Settings) -> bool:
    """Schema, feeds and configuration, each only where it is missing; True when this is the first time."""
    context = open_context(settings)
    try:
        schema.upgrade(context.database)
        open_feeds(settings.home, datetime.now(UTC))
        file = settings.home / "monitors.yaml"
        if not file.exists():
            file.write_text(demo_document(feeds_folder(settings.home)), encoding="utf-8")
        with context.database.read() as session:
            first = applied.last_applied(session) is None
        if first:
            apply(context, configuration.load(file), settings.actor)
        return first
    finally:
        context.close()


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            raise MonitorError(
                f"port {port} cannot be used: {fault.strerror}; choose another, as in make demo PORT=8600"
            ) from None
