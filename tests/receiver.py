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
    after: threading.Event | None = None  # what the answer waits for


@dataclass
class Receiver:
    """``got``: headers and body of each request, in order of arrival."""

    url: str
    answer: Answer
    at: dict[str, Answer] = field(default_factory=dict)  # path -> what is answered there instead
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.got]

    def to(self, path: str) -> str:
        return self.url.replace("/hook", path)


@contextmanager
def receiver(answer: Answer | None = None) -> Iterator[Receiver]:
    class Respond(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            place.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            answer = place.at.get(self.path, place.answer)
            time.sleep(answer.silence)
            if answer.after is not None:
                answer.after.wait(30)
            try:
                self._respond(answer)
            except OSError:
                return  # the sender has gone, as some tests mean it to

        def _respond(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            step = 1 if answer.trickle else 65536
            for start in range(0, len(answer.body), step):
                self.wfile.write(answer.body[start : start + step])
                time.sleep(answer.trickle)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Respond)
    place = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answer or Answer())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield place
    finally:
        for answer in place.at.values():
            if answer.after is not None:
                answer.after.set()
        server.shutdown()
        thread.join()
        server.server_close()
