"""Passes messages between a socket that clients use and one to the child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[list[Any]], bool]

_AT_ONCE = 1000
"""How many messages are passed on before the loop's other work has its turn."""


class Pump:
    """Two sockets of one thread's loop, each of which gets what the other one receives.

    All of it has to be called in that thread. Whoever had received from the sockets before must have ended that.

    Args:
        outer: The socket that clients use.
        inner: The socket to the child.
        loop: Both sockets' loop.
        incoming: The stream of `outer`, where clients send anything to it.
        take: Gets each message from the child first; whether it has kept it.
    """

    def __init__(self, outer: Any, inner: Any, loop: Any, *, incoming: Any = None, take: Take | None = None) -> None:
        from zmq.eventloop.zmqstream import ZMQStream

        self._outer = outer
        self._inner = inner
        self._loop = loop
        self._incoming = incoming
        self._outgoing = ZMQStream(inner, loop)
        self._take = take or (lambda _frames: False)
        self._inwards = incoming is not None

    def start(self) -> None:
        """Passes on from now on, what is there already first."""
        if self._incoming is not None:
            self._incoming.on_recv(self._receive_from_client, copy=False)
        self._outgoing.on_recv(self._receive_from_child, copy=False)
        self.drain()

    def stop_inwards(self) -> None:
        """Leaves what clients send in their socket from now on."""
        self._inwards = False
        if self._incoming is not None:
            self._incoming.on_recv(None)

    def stop(self) -> None:
        """Passes on nothing more; the child's socket may be closed then."""
        self.stop_inwards()
        self._outgoing.on_recv(None)
        self._loop.remove_handler(self._inner)

    def drain(self) -> None:
        """Passes on all that is there.

        A loop is told only that something has come since the last look, and sending looks, too: so both sockets are
        read until neither has anything after the last message was sent.
        """
        import zmq

        for _ in range(_AT_ONCE):
            moved = False
            if self._inwards and (frames := _receive(self._outer, zmq)) is not None:
                moved = True
                self._inner.send_multipart(frames, copy=False)
            if (frames := _receive(self._inner, zmq)) is not None:
                moved = True
                self._give_out(frames)
            if not moved:
                return
        self._loop.add_callback(self._go_on)

    def _go_on(self) -> None:
        if not self._inner.closed and self._outgoing.receiving():
            self.drain()

    def _receive_from_client(self, frames: list[Any]) -> None:
        self._inner.send_multipart(frames, copy=False)
        self.drain()

    def _receive_from_child(self, frames: list[Any]) -> None:
        self._give_out(frames)
        self.drain()

    def _give_out(self, frames: list[Any]) -> None:
        if not self._take(frames):
            self._outer.send_multipart(frames, copy=False)


def _receive(socket: Any, zmq: Any) -> list[Any] | None:
    try:
        return list(socket.recv_multipart(zmq.NOBLOCK, copy=False))
    except zmq.Again:
        return None
