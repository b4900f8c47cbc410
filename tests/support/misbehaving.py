"""A channel server that misbehaves in one way at every path that holds ``weights``, below HTTP where need be.

`tests.support.channel.server` misbehaves within HTTP; here each behaviour writes its bytes itself.
"""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Act = "Callable[[Server, socket.socket, str, int], bool | None]"


class Server:
    """Serves a folder on loopback.

    Attributes:
        url: ``http://127.0.0.1:PORT``.
        requests: How often each path was asked for.
    """

    def __init__(self, folder: Path, act: Act, strike: str = "weights") -> None:
        self.folder, self._act, self._strike = folder, act, strike
        self.requests: Counter[str] = Counter()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, IndexError, UnicodeError), connection, connection.makefile("rb") as stream:
            while line := stream.readline(70000):
                while stream.readline(70000).strip():
                    pass
                path = line.split()[1].decode()
                self.requests[path] += 1
                act = self._act if self._strike in path else plain
                if act(self, connection, path, self.requests[path]) is False:
                    return

    def body(self, path: str) -> bytes:
        return (self.folder / path.lstrip("/")).read_bytes()


@contextmanager
def misbehaving(folder: Path, behaviour: str) -> Iterator[Server]:
    """A server of a folder that does one of `BEHAVIOURS`."""
    server = Server(folder, BEHAVIOURS[behaviour])
    try:
        yield server
    finally:
        server.stop()


def _answer(status: str, body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def plain(server: Server, connection: socket.socket, path: str, _count: int) -> None:
    """As it should be."""
    try:
        answer = _answer("200 OK", server.body(path))
    except OSError:
        answer = _answer("404 Not Found", b"")
    connection.sendall(answer)


def status(code: int, headers: str = "", *, body: bytes = b"no", until: int = 10**9) -> Act:
    """This status, for the first requests of a path."""

    def act(server: Server, connection: socket.socket, path: str, count: int) -> None:
        if count > until:
            plain(server, connection, path, count)
        else:
            connection.sendall(_answer(f"{code} X", body, headers))

    return act


def redirect(where: Callable[[Server, str], str]) -> Act:
    """302 to somewhere."""
    return lambda server, connection, path, _: connection.sendall(
        _answer("302 X", b"", f"Location: {where(server, path)}\r\n")
    )


def raw(data: bytes) -> Act:
    """These bytes, whatever was asked, and the end."""

    def act(_server: Server, connection: socket.socket, _path: str, _count: int) -> bool:
        connection.sendall(data)
        return False

    return act


def with_length(change: int) -> Act:
    """A Content-Length that is wrong by ``change``."""

    def act(server: Server, connection: socket.socket, path: str, _count: int) -> bool:
        data = server.body(path)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data) + change}\r\n\r\n".encode() + data)
        return False

    return act


def drip(server: Server, connection: socket.socket, path: str, _count: int) -> bool:
    """Ten bytes a second."""
    data = server.body(path)
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode())
    for position in range(len(data)):
        connection.sendall(data[position : position + 1])
        time.sleep(0.1)
    return False


def hang(_server: Server, connection: socket.socket, _path: str, _count: int) -> bool:
    """Not a word, until the client leaves."""
    connection.settimeout(60)
    connection.recv(1)
    return False


def packed(server: Server, connection: socket.socket, path: str, _count: int) -> None:
    """The true file under Content-Encoding: gzip."""
    connection.sendall(_answer("200 OK", gzip.compress(server.body(path)), "Content-Encoding: gzip\r\n"))


def _closes(until: int) -> Act:
    return lambda server, connection, path, count: False if count <= until else plain(server, connection, path, count)


_STATUSES = (400, 401, 403, 404, 405, 407, 408, 409, 410, 416, 418, 429, 451, 500, 501, 502, 503, 504, 511, 599)
_OTHERS = (201, 202, 203, 204, 205, 206, 226, 300, 304, 305, 306, 999)
BEHAVIOURS: dict[str, Act] = {
    "plain": plain,
    "gzip": packed,
    **{f"status {code}": status(code) for code in (*_STATUSES, *_OTHERS)},
    "500 twice": status(500, until=2),
    "429 twice, Retry-After: 1": status(429, "Retry-After: 1\r\n", until=2),
    "429 twice, Retry-After: soon": status(429, "Retry-After: soon\r\n", until=2),
    "429, Retry-After: a year": status(429, "Retry-After: 31536000\r\n"),
    "503, Retry-After: -1": status(503, "Retry-After: -1\r\n"),
    "redirect in a circle": redirect(lambda _, path: path),
    "redirect without end": redirect(lambda _, path: f"{path}x"),
    "redirect to file": redirect(lambda server, path: f"file://{server.folder}{path}"),
    "redirect to ftp": redirect(lambda _, path: f"ftp://127.0.0.1{path}"),
    "redirect to nowhere": redirect(lambda *_: ""),
    "redirect to a malformed address": redirect(lambda *_: "http://[::1"),
    "redirect to a closed port": redirect(lambda _, path: f"http://127.0.0.1:9{path}"),
    "redirect without Location": status(302),
    "a login page": status(200, "Content-Type: text/html\r\n", body=b"<html>\x1b[31mlogin [/]</html>"),
    "nothing": status(200, body=b""),
    "noise for a status line": raw(bytes(range(256)) * 12),
    "a header without end": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000),
    "bad chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n"),
    "bad gzip": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
    "HTTP/0.9": raw(b"hello"),
    "length too long": with_length(100),
    "length too short": with_length(-100),
    "length negative": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello"),
    "closes at once": _closes(10**9),
    "closes once": _closes(1),
    "a drip": drip,
    "silence": hang,
    "noise": raw(_answer("200 OK", os.urandom(3000))),
}
