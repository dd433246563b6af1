"""A real receiver on this machine, which answers as it is told and keeps what it got."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    trickle: float = 0.0  # seconds between the body's bytes
    silence: float = 0.0  # seconds before the answer


@dataclass
class Receiver:
    url: str
    answer: Answer
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver(answer: Answer | None = None) -> Iterator[Receiver]:
    class Respond(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            place.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(place.answer.silence)
            try:
                self._respond()
            except OSError:
                return  # the sender has gone, as some tests mean it to

        def _respond(self) -> None:
            self.send_response(place.answer.status)
            for name, value in place.answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(place.answer.body)))
            self.end_headers()
            step = 1 if place.answer.trickle else 65536
            for start in range(0, len(place.answer.body), step):
                self.wfile.write(place.answer.body[start : start + step])
                time.sleep(place.answer.trickle)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Respond)
    place = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answer or Answer())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
