"""A loopback HTTP server for a folder, which can be told to misbehave."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Fault:
    """One way to answer wrongly; made by the class methods.

    Attributes:
        kind: ``status``, ``truncate``, ``shorten``, ``flip``, ``substitute``, ``stall`` or ``slow``.
        times: How many of the first requests it strikes; None is every one.
        code: The status of ``status``.
        retry_after: Seconds, for the header of that name.
        fraction: How much of the content is sent before a cut or a stall, 0 to 1.
        other: Path, relative to the folder, of the file that's served instead.
        bytes_per_second: The pace of ``slow``.
    """

    kind: str
    times: int | None = None
    code: int = 200
    retry_after: float | None = None
    fraction: float = 0.5
    other: str = ""
    bytes_per_second: int = 0

    @classmethod
    def status(cls, code: int, *, times: int | None = None, retry_after: float | None = None) -> Fault:
        """Answer with this status and a short text."""
        return cls("status", times, code=code, retry_after=retry_after)

    @classmethod
    def truncate(cls, *, times: int | None = None, fraction: float = 0.5) -> Fault:
        """State the whole length, send a part, close the connection."""
        return cls("truncate", times, fraction=fraction)

    @classmethod
    def shorten(cls, *, times: int | None = None, fraction: float = 0.5) -> Fault:
        """Serve a part as if it were the whole file: the length stated is the length sent."""
        return cls("shorten", times, fraction=fraction)

    @classmethod
    def flip(cls, *, times: int | None = None, fraction: float = 0.5) -> Fault:
        """Serve the file with one byte changed, at this fraction of its length."""
        return cls("flip", times, fraction=fraction)

    @classmethod
    def substitute(cls, other: str, *, times: int | None = None) -> Fault:
        """Serve another file's content under this name."""
        return cls("substitute", times, other=other)

    @classmethod
    def stall(cls, *, times: int | None = None, fraction: float = 0.5) -> Fault:
        """Send a part, then nothing more until the client leaves or the server stops."""
        return cls("stall", times, fraction=fraction)

    @classmethod
    def slow(cls, bytes_per_second: int, *, times: int | None = None) -> Fault:
        """Send at this pace."""
        return cls("slow", times, bytes_per_second=bytes_per_second)


class ChannelServer:
    """A running server.

    Attributes:
        url: ``http://127.0.0.1:PORT``, with no slash at the end.
        requests: URL path -> number of GET and HEAD requests for it.
        log: (method, path, status, Range header or None) of every answer, in order of arrival.
        faults: Path suffix or file name -> fault; may be changed while it runs. A suffix matches from a ``/``
            on, or where it starts with ``.`` or ``*`` by the name's end (``*`` alone is everything).
    """

    def __init__(self, folder: Path, port: int, faults: Mapping[str, Fault]) -> None:
        self.folder = folder.resolve()
        self.faults: dict[str, Fault] = dict(faults)
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str, int, str | None]] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._struck: Counter[str] = Counter()
        self._http = _Server(("127.0.0.1", port), _Handler, self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def fault_for(self, path: str) -> Fault | None:
        """The fault that strikes this request, which is counted as one."""
        with self.lock:
            for key, fault in self.faults.items():
                if _matches(key, path) and (fault.times is None or self._struck[key] < fault.times):
                    self._struck[key] += 1
                    return fault
        return None

    def set_fault(self, key: str, fault: Fault | None) -> None:
        """Set or lift (None) a fault; its count of requests starts at zero."""
        with self.lock:
            self._struck[key] = 0
            self.faults.pop(key, None)
            if fault is not None:
                self.faults[key] = fault

    def wait(self) -> None:
        """Block until the server stops."""
        self._thread.join()

    def stop(self) -> None:
        """Stop listening and close every connection, stalled ones too."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.drop_clients()


def _matches(key: str, path: str) -> bool:
    if key.startswith("*"):
        return path.endswith(key[1:])
    return path.endswith(key) if key.startswith(".") else f"/{path}".endswith(f"/{key.lstrip('/')}")


@contextmanager
def serve(folder: Path, *, faults: Mapping[str, Fault] | None = None, port: int = 0) -> Iterator[ChannelServer]:
    """Serve a folder on loopback for as long as the context lasts.

    Args:
        folder: The root of the URLs.
        faults: Path suffix or file name -> how to answer wrongly there; see :class:`ChannelServer`.
        port: By default a free one.
    """
    server = ChannelServer(folder, port, faults or {})
    try:
        yield server
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[_Handler], owner: ChannelServer) -> None:
        self.owner = owner
        self._clients: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._clients.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._clients.discard(request)
        super().shutdown_request(request)

    def drop_clients(self) -> None:
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is what the tests are about, not an error to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name)
        """Say nothing: ``ChannelServer.log`` keeps the requests."""

    def _answer(self, *, body: bool) -> None:
        owner = self.server.owner
        path = unquote(urlsplit(self.path).path)
        with owner.lock:
            owner.requests[path] += 1
        fault = owner.fault_for(path)
        if fault is not None and fault.kind == "status":
            self._refuse(fault.code, fault.retry_after, body=body)
            return
        name = fault.other if fault is not None and fault.kind == "substitute" else path
        file = (owner.folder / name.lstrip("/")).resolve()
        if not file.is_relative_to(owner.folder) or not file.is_file():
            self._refuse(404, None, body=body)
            return
        self._send_file(file, fault, body=body)

    def _note(self, status: int) -> None:
        with self.server.owner.lock:
            entry = (self.command, unquote(urlsplit(self.path).path), status, self.headers.get("Range"))
            self.server.owner.log.append(entry)

    def _refuse(self, code: int, retry_after: float | None, *, body: bool) -> None:
        self._note(code)
        content = f"{code}\n".encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        if retry_after is not None:
            self.send_header("Retry-After", f"{retry_after:g}")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _send_file(self, file: Path, fault: Fault | None, *, body: bool) -> None:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            size, etag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
            if fault is not None and fault.kind == "shorten":
                size = int(size * fault.fraction)
            if self.headers.get("If-None-Match") == etag and fault is None:
                self._note(304)
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            span = self._range(size, etag)
            if span is None:
                self._note(416)
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start, end, partial = span
            self._note(206 if partial else 200)
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.send_header("Content-Length", str(end - start))
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", formatdate(status.st_mtime, usegmt=True))
            self.end_headers()
            if body:
                self._send_body(stream.fileno(), start, end, fault)

    def _range(self, size: int, etag: str) -> tuple[int, int, bool] | None:
        """(start, end, whether only a part is sent); None where the range can't be satisfied."""
        header = self.headers.get("Range", "")
        if self.headers.get("If-Range", etag) != etag:
            return 0, size, False
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
        if match is None or match.groups() == ("", ""):
            return 0, size, False
        first, last = match.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        return (start, end, True) if start < end else None

    def _send_body(self, descriptor: int, start: int, end: int, fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else ""
        if fault is None or kind in ("shorten", "substitute"):
            self._copy(descriptor, start, end)
            return
        middle = start + int((end - start) * fault.fraction)
        if kind == "flip":
            middle = min(middle, end - 1)
            self._copy(descriptor, start, middle)
            self.wfile.write(bytes([os.pread(descriptor, 1, middle)[0] ^ 0xFF]))
            self._copy(descriptor, middle + 1, end)
        elif kind == "truncate":
            self._copy(descriptor, start, middle)
            self.close_connection = True
        elif kind == "stall":
            self._copy(descriptor, start, middle)
            self._hang()
            self.close_connection = True
        elif kind == "slow":
            step = max(1, fault.bytes_per_second // 20)
            for position in range(start, end, step):
                self._copy(descriptor, position, min(position + step, end))
                if self.server.owner.stopping.is_set():
                    break
                time.sleep(step / fault.bytes_per_second)

    def _copy(self, descriptor: int, start: int, end: int) -> None:
        self.wfile.flush()
        while start < end:
            sent = os.sendfile(self.connection.fileno(), descriptor, start, min(_BLOCK, end - start))
            if sent == 0:
                break
            start += sent

    def _hang(self) -> None:
        """Until the client closes its side (a readable end of file) or the server stops."""
        self.connection.settimeout(0.1)
        while not self.server.owner.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
