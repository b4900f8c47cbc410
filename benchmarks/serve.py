"""A loopback server in a process of its own: ``python -m benchmarks.serve FOLDER`` prints its address.

With a latency and a rate (``python -m benchmarks.serve FOLDER 0.1 100e6``) it is as far away as a real one: each
answer begins so many seconds later, and all connections together carry so many bytes a second.

It sends files by the kernel, keeps connections open, and answers each in a thread, so that it is no contender's
bottleneck. Its time isn't counted as anybody's, but on a machine with few cores it does take some of them.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PORTION = 1 << 17
_IMMUTABLE = (".whl", ".metadata", ".conda")


class Handler(SimpleHTTPRequestHandler):
    """Static files, with the headers that a package index sends."""

    protocol_version = "HTTP/1.1"
    # Otherwise the last bytes of an answer wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        """Read a request, and let the time pass that it would have been on its way."""
        complete = super().parse_request()
        if complete:
            time.sleep(self.server.latency)
        return complete

    def end_headers(self) -> None:
        """Add the lifetime: pip and uv reuse from their caches only what they may."""
        lifetime = "max-age=365000000, immutable, public" if self.path.endswith(_IMMUTABLE) else "max-age=600"
        self.send_header("Cache-Control", lifetime)
        super().end_headers()

    server: Server

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file's content."""
        if self.server.rate:
            while block := source.read(_PORTION):
                self.server.wait_for(len(block))
                outputfile.write(block)
            return
        if hasattr(source, "fileno"):
            try:
                source.fileno()
            except OSError:
                super().copyfile(source, outputfile)  # a folder's listing, which lies in memory
            else:
                self.connection.sendfile(source)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Many clients at once."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: str, latency: float = 0.0, rate: float = 0.0) -> None:
        self.latency, self.rate = latency, rate
        self._lock, self._free = threading.Lock(), 0.0
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=folder))

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes have their turn on the line, which all connections share."""
        with self._lock:
            self._free = max(self._free, time.monotonic()) + size / self.rate
            until = self._free
        time.sleep(max(0.0, until - time.monotonic()))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away early is no error."""


@contextmanager
def serving(folder: Path, latency: float = 0.0, rate: float = 0.0) -> Iterator[str]:
    """Serve a folder while the block runs; gives the address, without a slash at its end.

    Args:
        folder: What to serve.
        latency: Seconds before each answer.
        rate: Bytes a second over all connections; 0 for as many as the machine can.
    """
    command = [sys.executable, "-m", "benchmarks.serve", str(folder), str(latency), str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the loopback server did not start")
            yield address
        finally:
            process.terminate()


def main(argv: list[str]) -> None:
    """Serve until told to end."""
    server = Server(argv[0], *map(float, argv[1:]))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
