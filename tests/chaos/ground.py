"""An installation to break: a monitor on a growing file, a channel, a receiver that keeps what it accepted."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling.manual import run_now
from monitor.storage import monitors, runs, versions
from tests.chaos.invariants import World, broken

FIRST = 600  # rows that the first model is trained on
START = datetime(2026, 3, 1, tzinfo=UTC)
NAME = "boiler"


class Ground:
    """Feeds the source, asks for runs, and keeps the world's own memory of both."""

    def __init__(self, context: Context, folder: Path, port: int, seed: int) -> None:
        self.context, self.path = context, folder / "boiler.csv"
        self.draw = random.Random(seed)
        self.ids = 0
        self.asked = 0
        self.world = World(NAME, ["desk"], read_up_to=self._lines)
        self.environment = {"MONITOR_EGRESS_ALLOW": "127.0.0.0/8", "OMP_NUM_THREADS": "1"}
        os.environ.update(self.environment)
        self.path.write_text("id,at,unit,load,heat,mode\n")
        apply(context, Document.model_validate(_document(self.path, port)), "chaos")

    def learn(self) -> None:
        """A first champion that has scored its history."""
        self.feed(FIRST)
        for job in ("pull", "train", "score"):
            run_now(self.context, job, NAME, "chaos")
        self.world.champion = True
        self.check()

    def feed(self, rows: int, odd: int = 0, bad: int = 0, again: int = 0, corrected: int = 0) -> None:
        """Append rows to the source: of them ``odd`` far off, then unreadable, repeated and corrected ones."""
        normal = [self._row(self._new()) for _ in range(rows - odd)]
        # each of a unit of its own, so that each opens an alert of its own
        strange = [self._row(self._new(), unit=f"u{self.ids}", extra=90.0) for _ in range(odd)]
        broken_ones = [f"{self._new()},not a time,u,1.0,1.0,day" for _ in range(bad)]
        late = [
            self._row(self.draw.randrange(FIRST), extra=self.draw.random() / 100) for _ in range(corrected)
        ]
        lines = [(line, "stored") for line in [*normal, *strange, *late]]
        lines += [(line, "quarantined") for line in broken_ones]
        self.draw.shuffle(lines)
        lines += [(line, "known") for line in normal[:again]]
        self.world.lines += [fate for _, fate in lines]
        with self.path.open("a") as file:
            file.write("".join(f"{line}\n" for line, _ in lines))

    def ask(self, job: str, counts: dict[str, Any] | None = None) -> int:
        """Put a run into the queue."""
        self.asked += 1
        with self.context.database.write() as session:
            monitor_id = None if job == "notify" else monitors.named(session, NAME).monitor_id
            request = Request(job, monitor_id, f"chaos-{self.asked}", counts or {})
            run_id = runs.offer(session, request, "chaos", self.context.now())
        assert run_id is not None
        return run_id

    def candidate(self) -> int:
        """A new version with the champion's bytes, for the gate to decide on."""
        with self.context.database.write() as session:
            monitor_id = monitors.named(session, NAME).monitor_id
            champion = versions.champion(session, monitor_id)
            assert champion is not None
            return versions.add(
                session, monitor_id, versions.bundle(session, champion.version_id), self.context.now(),
                objective=champion.objective, run_id=None, manifest=champion.manifest, facts={},
                trained_through=champion.trained_through,
            )  # fmt: skip

    def check(self) -> None:
        """Raise when an invariant is broken."""
        if found := broken(self.context, self.world):
            raise AssertionError("\n".join(found))

    def _new(self) -> int:
        self.ids += 1
        return self.ids - 1

    def _row(self, number: int, unit: str = "u", extra: float = 0.0) -> str:
        draw = random.Random(number)
        load = draw.gauss(50, 5)
        heat = load * 0.8 + draw.gauss(0, 1) + extra
        at = (START + timedelta(minutes=number)).isoformat()
        return f"{number},{at},{unit},{load:.3f},{heat:.5f},{draw.choice(['day', 'night'])}"

    def _lines(self, cursor: dict[str, Any]) -> int:
        """How many of the file's rows lie before the cursor."""
        offset = max((state["offset"] for state in cursor.get("files", {}).values()), default=0)
        return max(0, self.path.read_bytes()[:offset].count(b"\n") - 1)


def _document(path: Path, port: int) -> dict[str, Any]:
    return {
        "monitors": [
            {
                "name": NAME, "kind": "tabular", "source": {"kind": "files", "path": str(path)}, "key": ["id"],
                "time": "at", "entity": "unit", "model": {"objective": "vanilla"}, "alerts": {"p_value": 0.002},
                "notify": ["desk"],
            }
        ],
        "channels": [{"name": "desk", "kind": "webhook", "url": f"http://127.0.0.1:{port}/"}],
    }  # fmt: skip


@contextmanager
def ground(context: Context, folder: Path, seed: int) -> Iterator[Ground]:
    """A ground with its receiver; both databases are used in the same way."""
    made: list[Ground] = []

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            made[0].world.accepted[self.headers["Idempotency-Key"]] += 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        made.append(Ground(context, folder, receiver.server_port, seed))
        yield made[0]
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
