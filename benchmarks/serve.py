"""A loopback server in a process of its own: ``python -m benchmarks.serve FOLDER`` prints its address.

It sends files by the kernel, keeps connections open, and answers each in a thread, so that it is no contender's
bottleneck. Its time isn't counted as anybody's, but on a machine with few cores it does take some of them.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IMMUTABLE = (".whl", ".metadata", ".conda")


class Handler(SimpleHTTPRequestHandler):
    """Static files, with the headers that a package index sends."""

    protocol_version = "HTTP/1.1"
    # Otherwise the last bytes of an answer wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def end_headers(self) -> None:
        """Add the lifetime: pip and uv reuse from their caches only what they may."""
        lifetime = "max-age=365000000, immutable, public" if self.path.endswith(_IMMUTABLE) else "max-age=600"
        self.send_header("Cache-Control", lifetime)
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file's content."""
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

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away early is no error."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder while the block runs; gives the address, without a slash at its end."""
    command = [sys.executable, "-m", "benchmarks.serve", str(folder)]
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
    server = Server(("127.0.0.1", 0), partial(Handler, directory=argv[0]))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
