"""Messages between a client and a child, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import zmq
import zmq.asyncio
from tornado.ioloop import IOLoop
from zmq.eventloop.zmqstream import ZMQStream

from bootstrap.runtime.kernel.pump import Pump

COUNT = 1500


@dataclass
class Sockets:
    """From the client's end to the child's."""

    client: zmq.asyncio.Socket
    outer: Any
    inner: Any
    child: zmq.asyncio.Socket


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[Sockets], Awaitable[None]]], None]]:
    """Runs a coroutine with four sockets, two and two of which are connected."""
    context = zmq.Context()

    def run(coroutine: Callable[[Sockets], Awaitable[None]]) -> None:
        async def connect() -> None:
            ends = zmq.asyncio.Context(context)
            sockets = Sockets(
                ends.socket(zmq.DEALER),
                context.socket(zmq.ROUTER),
                context.socket(zmq.DEALER),
                ends.socket(zmq.ROUTER),
            )
            sockets.client.identity, sockets.inner.identity = b"client", b"relay"
            for socket in (sockets.client, sockets.outer, sockets.inner, sockets.child):
                socket.sndhwm = socket.rcvhwm = 0
            sockets.outer.bind("inproc://outer")
            sockets.child.bind("inproc://child")
            sockets.client.connect("inproc://outer")
            sockets.inner.connect("inproc://child")
            await asyncio.wait_for(coroutine(sockets), 20)

        asyncio.run(connect())

    yield run
    context.destroy(linger=0)


def pump(sockets: Sockets, take: Callable[[list[Any]], bool] | None = None) -> Pump:
    """Connects the two in the middle; not started."""
    loop = IOLoop.current()
    return Pump(sockets.outer, sockets.inner, loop, incoming=ZMQStream(sockets.outer, loop), take=take)


def test_all_of_both_ways_in_order(run: Any) -> None:
    """What waited before it starts, too; and sending never hides what arrives."""

    async def both_ways(sockets: Sockets) -> None:
        numbers = [b"%d" % number for number in range(COUNT)]
        for number in numbers[: COUNT // 2]:
            await sockets.client.send(number)
        pump(sockets).start()
        for number in numbers[COUNT // 2 :]:
            await sockets.client.send(number)
            await sockets.child.send_multipart([b"relay", b"client", number])
        assert [await sockets.child.recv_multipart() for _ in numbers] == [[b"relay", b"client", n] for n in numbers]
        assert [await sockets.client.recv() for _ in numbers[COUNT // 2 :]] == numbers[COUNT // 2 :]

    run(both_ways)


def test_held_messages_stay_in_the_socket_and_answers_still_go_out(run: Any) -> None:
    async def hold(sockets: Sockets) -> None:
        held = pump(sockets)
        held.start()
        await sockets.client.send(b"before")
        assert (await sockets.child.recv_multipart())[-1] == b"before"
        held.stop_inwards()
        await sockets.client.send(b"after")
        await sockets.child.send_multipart([b"relay", b"client", b"answer"])
        assert await sockets.client.recv() == b"answer"
        assert sockets.outer.recv_multipart() == [b"client", b"after"]
        assert not await sockets.child.poll(10)

    run(hold)


def test_what_is_kept_is_not_passed_on(run: Any) -> None:
    async def keep(sockets: Sockets) -> None:
        kept: list[list[bytes]] = []

        def take(frames: list[Any]) -> bool:
            if frames[0].bytes == b"client":
                return False
            kept.append([frame.bytes for frame in frames])
            return True

        pump(sockets, take).start()
        await sockets.child.send_multipart([b"relay", b"own", b"1"])
        await sockets.child.send_multipart([b"relay", b"client", b"2"])
        assert await sockets.client.recv() == b"2"
        assert kept == [[b"own", b"1"]]

    run(keep)


def test_another_takes_its_place(run: Any) -> None:
    async def replace(sockets: Sockets) -> None:
        loop = IOLoop.current()
        incoming = ZMQStream(sockets.outer, loop)
        first = Pump(sockets.outer, sockets.inner, loop, incoming=incoming)
        first.start()
        await sockets.client.send(b"1")
        await sockets.child.recv_multipart()
        first.stop()
        sockets.inner.close(linger=0)
        await sockets.client.send(b"2")
        while not sockets.outer.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # a look: the loop is not told of it again
            await asyncio.sleep(0.001)
        inner = sockets.outer.context.socket(zmq.DEALER)
        inner.connect("inproc://child")
        Pump(sockets.outer, inner, loop, incoming=incoming).start()
        assert (await sockets.child.recv_multipart())[1:] == [b"client", b"2"]

    run(replace)
