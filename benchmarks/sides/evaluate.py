"""``monitor evaluate`` from a process that has everything imported: each call is a fork of it.

Of a short run two thirds are imports. ``python -m benchmarks.sides.evaluate SOCKET`` serves until its standard input
ends; ``python sides/evaluate.py SOCKET evaluate --train ...`` is the command, with its output and its exit code.
"""

import os
import select
import socket
import sys


def call(place: str, words: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        socket.send_fds(server, ["\0".join(words).encode()], [1, 2])
        return int(server.recv(16) or b"1")


def serve(place: str) -> None:
    import onnx  # noqa: F401  # so that no fork has to: the first export's share
    import torch.onnx  # noqa: F401  # likewise

    import monitor.training.evaluate  # noqa: F401  # so that no fork has to: torch and Lightning
    from monitor.cli import main

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        print("ready", flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                words, outputs, _, _ = socket.recv_fds(connection, 1 << 16, 2)
                child = os.fork()
                if not child:
                    for to, output in enumerate(outputs, start=1):
                        os.dup2(output, to)
                    code = main(words.decode().split("\0"))
                    sys.stdout.flush()
                    os._exit(code)
                for output in outputs:
                    os.close(output)
                connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(call(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
