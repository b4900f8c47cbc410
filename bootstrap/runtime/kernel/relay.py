"""The relay's life: a kernel's process that passes its clients on to a child.

Tried with ipykernel 6 (6.17.1, which Colab has, to 6.31). What is used of its insides is checked by `move.obstacle`
beforehand.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bootstrap.errors import BootstrapError, KernelStartError
from bootstrap.runtime.kernel import resources
from bootstrap.runtime.kernel.channels import resume
from bootstrap.runtime.kernel.child_kernel import Child, KernelTarget
from bootstrap.runtime.kernel.connected import Connected

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence

_END_SECONDS = 5.0
"""How long exit functions may take; a Jupyter server gives a kernel as long."""
_SETTLED_SECONDS = 1.0
_POLL_SECONDS = 0.005


class Relay:
    """Takes this process's kernel from its clients, and gives them a child; then another one, or the kernel again.

    All of it runs in the main thread. A child asks to be left by itself: see `relayed` for its side.

    Args:
        kernel: This process's.
        arguments: Module and arguments that it was started with.
    """

    def __init__(self, kernel: Any, arguments: Sequence[str]) -> None:
        self._kernel = kernel
        self._arguments = list(arguments)
        self._connection_file = str(kernel.parent.connection_file)
        self._next: Child | None = None
        self._goal: dict[str, Any] | None = None
        """Where to go from the child: what it said last, if its cell has more than one move."""
        self._interrupts: Any = None
        self._tasks: set[asyncio.Future[None]] = set()

    def prepare(self, target: KernelTarget, given_up: Callable[[], bool] = lambda: False) -> None:
        """Starts the kernel that is to take over, and waits until it answers, or is given up.

        Raises:
            KernelStartError: It doesn't; nothing has changed.
        """
        self.cancel()
        try:
            self._next = Child(target, self._arguments, self._connection_file, self._kernel.session)
            self._next.prove(given_up)
        except BaseException as error:
            self.cancel()
            if isinstance(error, KernelStartError) or not isinstance(error, Exception):
                raise
            evidence = [f"{type(error).__name__}: {error}"]  # of the operating system, or ZeroMQ
            raise KernelStartError(
                "Can't start the new kernel; this one keeps running.", evidence=evidence
            ) from error

    def cancel(self) -> None:
        """Ends a kernel that was prepared and has not taken over."""
        if self._next is not None:
            self._next.end()
            self._next = None

    def commit(self, remove: Sequence[str]) -> None:
        """Has the prepared kernel take over as soon as the cell that runs now is answered, before any queued one."""
        queue = self._kernel.msg_queue
        waiting = _take_all(queue)
        queue.put_nowait((0, self._take_over, (remove,)))
        for item in waiting:
            queue.put_nowait(item)

    async def _take_over(self, remove: Sequence[str]) -> None:
        """Stands in the kernel's own queue: nothing else is dispatched meanwhile, and nothing afterwards."""
        if self._next is None:
            return
        if self._kernel._aborting:
            # The cell went on after the move, and failed: first those behind it are turned away, as ever.
            await asyncio.sleep(_POLL_SECONDS)
            self._kernel.schedule_dispatch(self._take_over, remove)
            return
        self._interrupts = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._kernel.shell_stream.on_recv(None)
        queue, dispatch = self._kernel.msg_queue, self._kernel.dispatch_shell
        waiting = []
        for item in _take_all(queue):
            if item[1] == dispatch:
                waiting.append(item[2][0])
            else:
                queue.put_nowait(item)
        with _or_end():
            await self._give(self._next, waiting, remove)
        self._kernel.io_loop.call_later(_SETTLED_SECONDS, resources.let_go)

    async def _give(self, child: Child, waiting: Iterable[list[Any]], remove: Sequence[str]) -> None:
        """Gives a child the clients, with what waits."""
        self._next = None
        connected = Connected(self._kernel, child, lambda verb, content: self._heard(connected, verb, content))
        child.watch(lambda: self._kernel.io_loop.add_callback(self._ended, connected, child))
        await _remove(remove)
        await connected.connect(waiting)

    def _heard(self, connected: Connected, verb: str, content: dict[str, Any]) -> None:
        """Does what a child asks for."""
        if verb == "start":
            told: dict[str, Any] = {"number": content["number"], "error": None}
            try:
                self.prepare(KernelTarget(**content["target"]), connected.has_word)
            except BootstrapError as error:
                told |= {"error": error.message, "evidence": error.evidence}
            connected.say(told)
        elif verb == "cancel":
            self.cancel()
        elif verb == "leave":
            begun, self._goal = self._goal, content
            if begun is None:
                self._run(self._leave(connected))

    async def _leave(self, connected: Connected) -> None:
        """Takes the clients from a child, and gives them the prepared one, or this process's own kernel."""
        waiting = await connected.take_back()
        goal, self._goal = self._goal or {}, None
        remove = goal["remove"]
        if not goal["back"] and self._next is not None:
            await self._give(self._next, waiting, remove)
            return
        await _remove(remove)
        signal.signal(signal.SIGINT, self._interrupts)
        await resume(self._kernel, waiting)

    def _ended(self, connected: Connected, child: Child) -> None:
        """A child's process has ended. By itself: so does this one, and the server does what it does then."""
        if not connected.ending:
            self._run(self._exit(connected, child))

    async def _exit(self, connected: Connected, child: Child) -> None:
        await connected.wind_up()
        self.cancel()
        code = child.code or 0
        _end_process(code if code >= 0 else 128 - code)

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            with _or_end():
                await coroutine

        task = asyncio.ensure_future(run())
        self._tasks.add(task)  # else nobody refers to it
        task.add_done_callback(self._tasks.discard)


@contextmanager
def _or_end() -> Iterator[None]:
    """Ends this process if something fails: a server starts another kernel then, and nobody waits for ever."""
    try:
        yield
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        _end_process(1)


def _take_all(queue: Any) -> list[Any]:
    items = []
    while queue.qsize():
        items.append(queue.get_nowait())
    return items


async def _remove(paths: Sequence[str]) -> None:
    for path in paths:
        await asyncio.get_running_loop().run_in_executor(None, _delete, path)


def _delete(path: str) -> None:
    with suppress(OSError):
        if path.endswith("/"):
            os.rmdir(path)
        elif os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def _end_process(code: int) -> None:
    """Ends this process, orderly where that is done in time. Does not return."""
    watchdog = threading.Timer(_END_SECONDS, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()
    with suppress(BaseException):
        atexit._run_exitfuncs()
    os._exit(code)
