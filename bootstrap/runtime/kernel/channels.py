"""The sockets of this process's kernel, passed on to a child, each in the thread that has it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from typing import TYPE_CHECKING, Any, TypeVar

from bootstrap.runtime.kernel.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bootstrap.runtime.kernel.child_kernel import Child

    Take = Callable[[str, list[Any]], bool]

_T = TypeVar("_T")
_ORDER = ("control", "iopub", "stdin", "shell")
"""The order of switching: outputs arrive before what causes them is passed on."""


class Channels:
    """Passes on everything but the heartbeat, which has a thread of its own that goes on.

    Args:
        kernel: This process's; nothing is to be waiting in its queue.
        child: What gets its clients.
        take: Gets the channel's name and each message from the child, in the channel's thread; whether it keeps it.
    """

    def __init__(self, kernel: Any, child: Child, take: Take) -> None:
        self._kernel = kernel
        self._child = child
        self._take = take
        self._pumps: dict[str, Pump] = {}

    async def connect(self, waiting: Iterable[list[Any]]) -> None:
        """Passes on what waits, and then all that comes."""
        self._kernel.shell_stream.on_recv(None)
        for name in _ORDER:
            await self.call(name, functools.partial(self._connect, name, waiting))

    def _connect(self, name: str, waiting: Iterable[list[Any]]) -> None:
        from zmq.eventloop.zmqstream import ZMQStream

        kernel = self._kernel
        incoming: Any = None
        if name == "iopub":
            loop, outer = kernel.iopub_thread.io_loop, kernel.iopub_thread.socket
        else:
            own = {"shell": kernel.shell_stream, "control": kernel.control_stream}
            incoming = own.get(name) or ZMQStream(kernel.stdin_socket, kernel.io_loop)
            loop, outer = incoming.io_loop, incoming.socket
        # Also for clients that are connected already: what a child sends at once is not to be dropped on the way.
        outer.sndhwm = 0
        inner = getattr(self._child, name)
        if name == "shell":
            for frames in waiting:
                inner.send_multipart(frames, copy=False)
        take = functools.partial(self._take, name)
        self._pumps[name] = Pump(outer, inner, loop, incoming=incoming, take=take)
        self._pumps[name].start()

    async def hold(self, *names: str) -> None:
        """Leaves what clients send on these channels in their sockets; the child's answers still go out."""
        for name in names:
            await self.call(name, self._pumps[name].stop_inwards)

    async def drain(self) -> None:
        """Passes on what has arrived by now."""
        for name in _ORDER:
            await self.call(name, self._pumps[name].drain)

    async def disconnect(self) -> None:
        """Passes on nothing more; the child's sockets then are the calling thread's."""
        for name in _ORDER:
            await self.call(name, self._pumps[name].stop)
        self._kernel.io_loop.remove_handler(self._kernel.stdin_socket)

    async def call(self, name: str, function: Callable[[], _T]) -> _T:
        """Calls a function in a channel's thread, after what was to be done there before."""
        return await _in_thread(
            {
                "control": self._kernel.control_stream.io_loop.add_callback,
                "iopub": self._kernel.iopub_thread.schedule,
            }.get(name, self._kernel.io_loop.add_callback),
            function,
        )


async def _in_thread(schedule: Callable[[Callable[[], None]], None], function: Callable[[], _T]) -> _T:
    future: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    schedule(run)
    return await asyncio.wrap_future(future)


async def resume(kernel: Any, waiting: Iterable[list[Any]]) -> None:
    """Has this process's own kernel answer again, what waits first."""
    for frames in waiting:
        kernel.schedule_dispatch(kernel.dispatch_shell, frames)
    receive = functools.partial(kernel.schedule_dispatch, kernel.dispatch_shell)
    kernel.shell_stream.on_recv(receive, copy=False)
    control = kernel.control_stream
    await _in_thread(control.io_loop.add_callback, lambda: control.on_recv(kernel.dispatch_control, copy=False))
