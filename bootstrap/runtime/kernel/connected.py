"""A child that has the clients: from the moment that it gets them until they are taken back."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.kernel.channels import Channels
from bootstrap.runtime.kernel.child_kernel import DELIMITER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bootstrap.runtime.kernel.child_kernel import Child

    Heard = Callable[[str, dict[str, Any]], None]

_END_SECONDS = 5.0
"""How long a kernel may take to end; a Jupyter server gives it as long."""
_ARRIVAL_SECONDS = 2.0
_POLL_SECONDS = 0.005
_DONE = "done"


class Connected:
    """Has everything passed on to a child, and speaks with it of the move itself.

    Args:
        kernel: This process's.
        child: A proven child.
        heard: Gets what the child asks for: a verb, and what belongs to it.
    """

    def __init__(self, kernel: Any, child: Child, heard: Heard) -> None:
        from zmq.eventloop.zmqstream import ZMQStream

        self._loop = kernel.io_loop
        self._child = child
        self._heard = heard
        self._channels = Channels(kernel, child, self._take)
        self._link = ZMQStream(child.link, self._loop)
        self.ending = False
        """Whether it has been told to end."""
        self._returned: list[list[Any]] = []
        self._awaited: dict[str, set[str]] = {}

    async def connect(self, waiting: Iterable[list[Any]]) -> None:
        """Passes on what waits, and then all that comes."""
        self._link.on_recv(self._receive, copy=False)
        await self._channels.connect(waiting)

    def has_word(self) -> bool:
        """Whether the child has said something that is not heard yet."""
        return bool(self._link.socket.poll(0))

    def say(self, content: dict[str, Any]) -> None:
        """Answers what the child has asked for."""
        self._link.socket.send(json.dumps(content).encode())

    def _receive(self, frames: list[Any]) -> None:
        verb = frames[0].bytes.decode()
        if verb == "returned":
            self._returned.append(frames[1:])
        elif verb == _DONE:
            self._arrived(_DONE, _DONE)
        else:
            self._heard(verb, json.loads(frames[1].bytes))

    async def take_back(self) -> list[list[Any]]:
        """Takes the clients from the child, once it has answered the cell that asked for it, and ends it.

        A request of our own comes after everything that was sent before, and so does its answer.

        Returns:
            The requests that it had not begun with, in order.
        """
        await self._channels.hold("shell")
        self._awaited[_DONE] = {_DONE}
        await self._all_answered("shell")
        await self._channels.hold("control", "stdin")
        await self._all_answered("control")
        await self._disconnect()
        await self._end()
        return self._returned

    async def _all_answered(self, channel: str) -> None:
        marker, frames = self._child.request("kernel_info_request")
        self._awaited[marker] = {"kernel_info_reply", "idle"}
        socket = getattr(self._child, channel)
        await self._channels.call(channel, lambda: socket.send_multipart(frames))
        while self._awaited:
            await asyncio.sleep(_POLL_SECONDS)

    def _take(self, channel: str, frames: list[Any]) -> bool:
        """Keeps what answers the relay's own requests: no client has asked. Called in the channels' threads."""
        broadcast = channel == "iopub"
        if not self._awaited if broadcast else frames[0].bytes != DELIMITER:
            return False
        parent, kind = self._child.read(frames)
        if broadcast and parent not in self._awaited:
            return False
        self._loop.add_callback(self._arrived, parent, kind)
        return True

    def _arrived(self, parent: str, kind: str) -> None:
        missing = self._awaited.get(parent, set())
        missing.discard(kind)
        if not missing:
            self._awaited.pop(parent, None)

    async def _disconnect(self) -> None:
        await self._channels.disconnect()
        self._link.on_recv(None)
        self._loop.remove_handler(self._child.link)

    async def _end(self) -> None:
        """Ends the child, orderly where that is done in time."""
        self.ending = True
        self._child.control.send_multipart(self._child.request("shutdown_request", {"restart": False})[1])
        deadline = time.monotonic() + _END_SECONDS
        while self._child.code is None and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        self._child.end()

    async def wind_up(self) -> None:
        """Passes on the last words of a child that has ended by itself."""
        deadline = time.monotonic() + _ARRIVAL_SECONDS
        while not self._child.all_received() and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        await self._channels.drain()
        await self._disconnect()
        self._child.end()
