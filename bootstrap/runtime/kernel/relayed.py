"""A child's side: its relay starts it, passes its clients on to it, and takes them back when it is asked to."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.children import tie_to_parent
from bootstrap.errors import KernelStartError
from bootstrap.runtime.kernel.child_kernel import (
    DELIMITER,
    ERROR_FILE,
    HERE,
    IDENTITY,
    LINK,
    ORIGINAL_VARIABLE,
    VARIABLE,
    KernelTarget,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

_POLL_MS = 100


class Link:
    """This kernel's connection to its relay.

    Args:
        folder: The private folder of both.
        pid: The relay's process id.
        prefix: Of the relay's Python.
        connection_file: By which clients find the relay.
    """

    def __init__(self, folder: str, pid: int, prefix: str, connection_file: str) -> None:
        self._folder = folder
        self._pid = pid
        self._connection_file = connection_file
        self.prefix = prefix
        self._back = False
        self._leaving = False
        self._asked = 0
        self._context: Any = None
        self._socket: Any = None

    def end_with_relay(self) -> None:
        """Has this process killed when its relay ends, whichever way."""
        tie_to_parent()
        if os.getppid() != self._pid:
            os._exit(1)  # it has ended before

    def begin(self, kernel: Any) -> None:
        """Connects a kernel that has started: to its relay, and, in name, to the clients."""
        import zmq

        # Who asks for it wants to know the notebook, or to connect: the private one is of no use to anybody else.
        kernel.parent.connection_file = self._connection_file
        # One of our own: user code may end the process's common one.
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.sndhwm = self._socket.rcvhwm = self._socket.linger = 0
        self._socket.connect(f"ipc://{self._folder}/{LINK}")
        self._socket.send(HERE)

    def say_why(self, error: BaseException) -> None:
        """Leaves the relay a word about why this kernel does not start."""
        with suppress(OSError), open(f"{self._folder}/{ERROR_FILE}", "w", encoding="utf-8") as file:
            file.write(f"{type(error).__name__}: {error}")

    def prepare(self, target: KernelTarget) -> None:
        """Has the relay start another kernel, where its own is not the one to go back to; waits until that answers.

        Raises:
            KernelStartError: It doesn't; nothing has changed.
        """
        self._back = target.back and Path(self.prefix).resolve() != Path(sys.prefix).resolve()
        if self._back:
            return
        self._asked += 1
        self._send("start", {"number": self._asked, "target": asdict(target)})
        try:
            told = self._answer()
        except BaseException:
            self.cancel()
            raise
        if told["error"] is not None:
            raise KernelStartError(told["error"], evidence=told["evidence"])

    def _answer(self) -> dict[str, Any]:
        """What the relay says to the last question; an interrupted cell may have left an answer to one before."""
        while True:
            if self._socket.poll(_POLL_MS):
                told: dict[str, Any] = json.loads(self._socket.recv())
                if told["number"] == self._asked:
                    return told

    def cancel(self) -> None:
        """Has the relay end what was prepared."""
        self._send("cancel", {})

    def commit(self, remove: Sequence[str]) -> None:
        """Has the relay take the clients back after this cell, end this kernel, and give them the next one.

        Args:
            remove: What to delete in between, as in `KernelTarget`.
        """
        self._leaving = True
        self._send("leave", {"back": self._back, "remove": list(remove)})

    def gives_back(self, kernel: Any, frames: Sequence[Any]) -> bool:
        """Gives a request that is to be dispatched back to the relay, if that is to have it; whether it is."""
        if not self._leaving or len(frames) < 2 or bytes(frames[0]) != IDENTITY:
            return False
        if bytes(frames[1]) == DELIMITER:
            # The relay's own, which comes last and is answered.
            self._socket.send_multipart([b"done"])
            return False
        if kernel._aborting:
            # The cell went on after the move, and failed: those behind it are turned away, as ever.
            return False
        self._socket.send_multipart([b"returned", *map(bytes, frames[1:])])
        return True

    def _send(self, verb: str, content: dict[str, Any]) -> None:
        self._socket.send_multipart([verb.encode(), json.dumps(content).encode()])


_links: list[Link] = []


def link() -> Link | None:
    """This process's relay; None if it has none."""
    return _links[0] if _links else None


def receive() -> Link | None:
    """What the relay has left in the environment of this process, once; None if there is no relay."""
    told = os.environ.pop(VARIABLE, "")
    if told:
        if not os.environ.get(ORIGINAL_VARIABLE):
            os.environ.pop(ORIGINAL_VARIABLE, None)
        _links.append(Link(**json.loads(told)))
    return link()


def attach(found: Link, kernel_class: Any) -> None:
    """Has kernels of a class give back requests when the relay is to have them; before one is started."""
    dispatch: Callable[..., Coroutine[Any, Any, Any]] = kernel_class.dispatch_shell

    async def dispatch_shell(kernel: Any, msg: Any, *args: Any, **options: Any) -> Any:
        if not found.gives_back(kernel, msg):
            return await dispatch(kernel, msg, *args, **options)
        return None

    kernel_class.dispatch_shell = dispatch_shell
