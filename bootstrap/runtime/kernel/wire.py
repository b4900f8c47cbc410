"""Connections of a kernel's sockets, one level below ZeroMQ, so that none of their messages is lost.

A message that a client has written to its connection, and that ZeroMQ has not read when the process's program is
replaced, would be lost: ZeroMQ sends nothing twice. So the connection outlives the socket: its descriptor is
duplicated, ZeroMQ is kept from reading on (`SO_RCVLOWAT`) at a moment when it has read no message by half, and
whoever holds the duplicate later reads what is left, up to the end that the client sets by closing, and takes the
messages out of the bytes.

Source: ZeroMQ Message Transport Protocol 3.1 (RFC 37), section Framing; socket(7) for SO_RCVLOWAT.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import time
from contextlib import suppress
from dataclasses import dataclass

DELIMITER = b"<IDS|MSG>"
"""Opens the signed part of every Jupyter message."""

_MORE, _LONG, _COMMAND = 1, 2, 4
_FIRST_FRAME = bytes([_MORE, len(DELIMITER)]) + DELIMITER
_NEVER_READABLE = 1 << 30


@dataclass(frozen=True)
class Connection:
    """One client's connection to one of this process's ports."""

    fd: int
    """The descriptor that ZeroMQ uses."""
    port: int
    """The local port."""


def connections(ports: set[int]) -> list[Connection]:
    """Established TCP connections from others to these ports of this process.

    A kernel also connects to itself (its debugger does): those are left out.
    """
    found: list[tuple[Connection, object]] = []
    own: set[object] = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
        except OSError:  # the descriptor of the listing itself
            continue
        with socket.socket(fileno=os.dup(int(name))) as duplicate:
            if duplicate.family not in (socket.AF_INET, socket.AF_INET6) or duplicate.type != socket.SOCK_STREAM:
                continue
            with suppress(OSError):
                here = duplicate.getsockname()
                own.add(here[:2])
                found.append((Connection(int(name), here[1]), duplicate.getpeername()[:2]))
    return [connection for connection, peer in found if connection.port in ports and peer not in own]


def hold(connection: Connection) -> int:
    """Keeps a connection open beyond its socket and stops ZeroMQ's reading from it; writing goes on.

    Returns:
        A descriptor that a new program inherits.
    """
    fd = os.dup(connection.fd)
    os.set_inheritable(fd, True)
    with socket.socket(fileno=os.dup(fd)) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _NEVER_READABLE)
    return fd


def release(fd: int) -> None:
    """Takes back what `hold` did: ZeroMQ reads on."""
    with socket.socket(fileno=fd) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


def between_messages(fd: int) -> bool:
    """Whether nothing waits in a held connection, or a message's beginning does.

    Otherwise ZeroMQ has read a message by half: it reads pieces of 8 KiB, and stops where its queue is full. It
    would take its half along, and the other half is of no use to anybody.
    """
    with socket.socket(fileno=os.dup(fd)) as duplicate:
        try:
            data = duplicate.recv(1 << 16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:  # nothing there, or nobody
            return True
    position = 0
    while position + 1 < len(data) and data[position] & ~_LONG == _COMMAND:
        _, position = _frame(data, position)
    rest = data[position : position + len(_FIRST_FRAME)]
    return _FIRST_FRAME.startswith(rest)


def end_writing(fd: int) -> None:
    """Tells the client that nothing more will come: it closes its side, and connects anew.

    ZeroMQ must have closed its own descriptor: an end wakes it, and it would read what is to be kept.
    """
    with socket.socket(fileno=os.dup(fd)) as duplicate, suppress(OSError):
        duplicate.shutdown(socket.SHUT_WR)


def read_rest(fds: list[int], *, seconds: float) -> dict[int, bytes]:
    """What the clients had still written, up to their ends; closes the descriptors.

    Args:
        fds: Descriptors from `hold`.
        seconds: How long to wait for the clients to close, in all.
    """
    data = dict.fromkeys(fds, b"")
    open_fds = set(fds)
    poller = select.poll()
    for fd in fds:
        end_writing(fd)
        os.set_blocking(fd, False)
        with socket.socket(fileno=os.dup(fd)) as duplicate, suppress(OSError):
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        poller.register(fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    while open_fds and (left := deadline - time.monotonic()) > 0:
        for fd, _event in poller.poll(left * 1000):
            try:
                more = os.read(fd, 1 << 16)
            except BlockingIOError:
                continue
            except OSError:
                more = b""
            data[fd] += more
            if not more:
                poller.unregister(fd)
                open_fds.discard(fd)
    for fd in fds:
        os.close(fd)
    return data


def messages(data: bytes) -> list[list[bytes]]:
    """The Jupyter messages in the rest of a connection, each as its frames.

    What was read before may have ended inside a message; reading then starts with the next whole one. A message
    that is cut off at the end is left out: its sender knows that it was not sent whole.
    """
    start = data.find(_FIRST_FRAME)
    if start < 0:
        return []
    found: list[list[bytes]] = []
    frames: list[bytes] = []
    position = start
    while position < len(data):
        flags = data[position]
        if flags > (_MORE | _LONG | _COMMAND):
            break
        body, end = _frame(data, position)
        if end > len(data):
            break
        position = end
        if flags & _COMMAND:
            continue
        frames.append(data[body:position])
        if not flags & _MORE:
            found.append(frames)
            frames = []
    return [message for message in found if message[0] == DELIMITER]


def _frame(data: bytes, position: int) -> tuple[int, int]:
    """Where the body of the frame at a position begins, and where it ends."""
    body = position + 1 + (8 if data[position] & _LONG else 1)
    return body, body + int.from_bytes(data[position + 1 : body], "big")
