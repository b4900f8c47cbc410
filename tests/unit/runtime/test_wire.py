"""Connections below ZeroMQ, with real ZeroMQ sockets at both ends."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from bootstrap.runtime.kernel import wire

zmq = pytest.importorskip("zmq")


def message(number: int, size: int = 0) -> list[bytes]:
    """A Jupyter message as a client writes it."""
    header = json.dumps({"session": "s", "msg_id": str(number)}).encode()
    return [wire.DELIMITER, b"signature", header, b"{}", b"{}", b"x" * size or b"{}"]


@pytest.fixture
def pair():
    """A kernel's ROUTER and a client's DEALER that are connected."""
    context, others = zmq.Context(), zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), others.socket(zmq.DEALER)
    dealer.identity = b"s"
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealer.connect(f"tcp://127.0.0.1:{port}")
    dealer.send_multipart(message(0))
    assert router.poll(5000)
    assert router.recv_multipart() == [b"s", *message(0)]
    yield router, dealer, port
    context.destroy(linger=0)
    others.destroy(linger=0)


def bytes_of(messages: list[list[bytes]]) -> bytes:
    """ZMTP's framing, written by its specification."""
    data = b""
    for frames in messages:
        for index, frame in enumerate(frames):
            more = 1 if index < len(frames) - 1 else 0
            if len(frame) > 255:
                data += bytes([more | 2]) + len(frame).to_bytes(8, "big") + frame
            else:
                data += bytes([more, len(frame)]) + frame
    return data


def test_a_held_connection_keeps_what_was_written_and_nothing_is_read_twice(pair) -> None:
    router, dealer, port = pair
    # The client's end is this process's own, too: for the test, it counts as somebody else's.
    found = [c for c in all_connections(port) if c.port == port]
    assert len(found) == 1
    fd = wire.hold(found[0])
    sent = [message(1), message(2, 300), message(3, 70_000)]
    for frames in sent:
        dealer.send_multipart(frames)
    time.sleep(0.2)
    assert not router.poll(100), "ZeroMQ must not read from a held connection"
    router.context.destroy(linger=0)
    rest = wire.read_rest([fd], seconds=5)[fd]
    assert wire.messages(rest) == sent


@pytest.mark.parametrize("count", [1020, 1100, 1300, 4000])
@pytest.mark.parametrize("size", [100, 3_000])
def test_where_reading_stopped_inside_a_message_it_goes_on(pair, count: int, size: int) -> None:
    """A full queue (of 1000) stops ZeroMQ's reading wherever it is."""
    router, dealer, port = pair
    sent = [message(number, size + number) for number in range(count)]
    feed = threading.Thread(target=lambda: [dealer.send_multipart(frames) for frames in sent])
    feed.start()
    time.sleep(0.5)
    (connection,) = [c for c in all_connections(port) if c.port == port]
    got: list[list[bytes]] = []

    def take() -> None:
        while router.poll(50):
            got.append(router.recv_multipart()[1:])

    fd = wire.hold(connection)
    take()
    while not wire.between_messages(fd):
        wire.release(fd)
        take()
        fd = wire.hold(connection)
        take()
    feed.join(20)
    router.context.destroy(linger=0)
    got += wire.messages(wire.read_rest([fd], seconds=5)[fd])
    assert got == sent


@pytest.mark.parametrize(
    ("waiting", "between"),
    [
        (b"", True),
        (bytes_of([message(1)]), True),
        (bytes_of([message(1)])[:5], True),
        (bytes_of([message(1)])[5:], False),
        (bytes_of([message(1), message(2)])[40:], False),
        (bytes_of([message(1, 9000)])[8192:], False),
        (b"\x04\x07\x04PING\x00\x00", True),
        (b"\x04\x07\x04PING\x00\x00" + bytes_of([message(1)]), True),
        (b"\x04\x07\x04PING\x00\x00" + b"x" * 30, False),
    ],
)
def test_what_waits_begins_with_a_message_or_inside_one(waiting: bytes, between: bool) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(waiting)
        assert wire.between_messages(here.fileno()) is between
        there.close()
        assert here.recv(1 << 17) == waiting, "it was only looked at"


def all_connections(port: int) -> list[wire.Connection]:
    """`wire.connections` leaves out what a process connects to itself, as the client of this test does."""
    found = []
    import os
    import stat

    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
        except OSError:
            continue
        with socket.socket(fileno=os.dup(int(name))) as duplicate:
            try:
                duplicate.getpeername()
                here = duplicate.getsockname()
            except OSError:
                continue
            if len(here) >= 2 and here[1] == port:
                found.append(wire.Connection(int(name), port))
    return found


def test_a_connection_to_oneself_is_left_out(pair) -> None:
    assert wire.connections({pair[2]}) == []


def test_a_connection_from_another_process_is_found() -> None:
    import subprocess
    import sys

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket, sys; s = socket.create_connection(('127.0.0.1', {port})); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as client:
            accepted, _ = server.accept()
            with accepted:
                assert wire.connections({port}) == [wire.Connection(accepted.fileno(), port)]
                assert wire.connections({port + 1}) == []
            client.communicate()


@pytest.mark.parametrize("long", [False, True])
def test_messages_are_taken_out_of_bytes(long: bool) -> None:
    sent = [message(1), message(2, 1000 if long else 100)]
    assert wire.messages(bytes_of(sent)) == sent


def test_reading_starts_with_the_first_whole_message() -> None:
    data = bytes_of([message(1), message(2), message(3)])
    assert wire.messages(data[20:]) == [message(2), message(3)]


def test_a_message_that_is_cut_off_is_left_out() -> None:
    data = bytes_of([message(1), message(2)])
    assert wire.messages(data[:-5]) == [message(1)]


def test_commands_between_messages_are_passed_over() -> None:
    ping = bytes([4, 7]) + b"\x04PING\x00\x00"
    data = bytes_of([message(1)]) + ping + bytes_of([message(2)])
    assert wire.messages(data) == [message(1), message(2)]


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x01\x09<IDS|MSG", b"\x01\x09<IDS|MSG>\xff\xff"])
def test_anything_else_is_no_message(data: bytes) -> None:
    assert wire.messages(data) == []
