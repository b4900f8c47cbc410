"""A kernel in a process of its own, which this process starts and has the only connections to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap.errors import KernelStartError
from bootstrap.runtime.kernel.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VARIABLE = "CONDACOLAB_BOOTSTRAP_RELAY"
"""Tells a child, in JSON, who its relay is."""
ORIGINAL_VARIABLE = "CONDACOLAB_BOOTSTRAP_ORIGINAL"
"""As in `start`, which leads to here and can import nothing."""
IDENTITY = b"condacolab-bootstrap"
"""The relay's name at the child's sockets."""
DELIMITER = b"<IDS|MSG>"
"""Opens the signed part of every Jupyter message. What clients sent has their names before it, ours has none."""
LINK = "relay"
"""The name of the socket by which relay and child speak of the move itself."""
HERE = b"here"
"""What a child says there first."""
ERROR_FILE = "error"
"""Where a child that can't start says why."""
_PROOF_SECONDS = 120.0
"""Imports from a cold, slow disk; what takes longer would take longer at every start."""
_ASK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class KernelTarget:
    """The kernel that a notebook moves to."""

    command: Sequence[str]
    """Executable and first arguments; the kernel's module and its arguments are appended."""
    environment: Mapping[str, str]
    """The whole environment."""
    remove: Sequence[str] = ()
    """What to delete when the kernel before is left: files, folders, and, with a slash at the end, empty folders."""
    back: bool = False
    """Whether this is the way back: where the relay itself is no kernel of the environment, it takes over again."""


class Child:
    """A started kernel, and this process's sockets to it.

    Args:
        target: The kernel.
        arguments: Its module and arguments, with ``connection_file`` among them.
        connection_file: The path in the arguments that another connection file takes the place of.
        session: A session whose key the clients use.
    """

    def __init__(self, target: KernelTarget, arguments: Sequence[str], connection_file: str, session: Any) -> None:
        import zmq

        self._session = session
        self._folder = Folder()
        self._context = zmq.Context()
        self.code: int | None = None
        """Its exit status, once it has ended."""
        try:
            # Before the child binds its own: its first broadcast already finds a subscriber.
            channels = ("shell", "control", "stdin")
            self.shell, self.control, self.stdin = (self._connected(zmq.DEALER, name) for name in channels)
            self.iopub = self._connected(zmq.SUB, "iopub")
            self.iopub.subscribe(b"")
            self.link = self._context.socket(zmq.DEALER)
            self.link.sndhwm = self.link.rcvhwm = 0
            self.link.bind(self._folder.endpoint(LINK))
            events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
            sockets = (self.shell, self.control, self.stdin, self.iopub)
            self._monitors = [socket.get_monitor_socket(events) for socket in sockets]
            file = self._folder.write_connection_file(os.path.basename(connection_file), session)
            own = [argument.replace(connection_file, str(file)) for argument in arguments]
            self._process = self._start([*target.command, *own], target.environment, connection_file)
        except BaseException:
            self._close()
            raise

    def _connected(self, kind: int, channel: str) -> Any:
        import zmq

        socket = self._context.socket(kind)
        if kind == zmq.DEALER:
            # The same for all: a kernel asks for input by the name that the cell came from.
            socket.identity = IDENTITY
        socket.sndhwm = socket.rcvhwm = 0
        socket.reconnect_ivl = 10
        socket.connect(self._folder.endpoint(channel))
        return socket

    def _start(
        self, command: list[str], environment: Mapping[str, str], connection_file: str
    ) -> subprocess.Popen[bytes]:
        relay = {
            "folder": str(self._folder.path),
            "pid": os.getpid(),
            "prefix": sys.prefix,
            "connection_file": os.path.abspath(connection_file),
        }
        return subprocess.Popen(
            # By way of a shell: a debugger in this process would add its own arguments to a Python's.
            ["/bin/sh", "-c", 'exec "$@"', "sh", *command],
            env={
                **environment,
                VARIABLE: json.dumps(relay),
                "JPY_PARENT_PID": str(os.getpid()),
                # It is this kernel or none: the relay goes on with the one that there is.
                ORIGINAL_VARIABLE: "",
            },
            stdin=subprocess.DEVNULL,
            stdout=_uncaptured(sys.stdout, 1),
            stderr=_uncaptured(sys.stderr, 2),
        )

    def prove(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Waits until it answers, its broadcasts are known to arrive, and it is connected in every way.

        Args:
            given_up: Whether no longer needed; asked many times a second.

        Raises:
            KernelStartError: It doesn't.
        """
        import zmq

        poller = zmq.Poller()
        for socket in (self.shell, self.iopub, self.link, *self._monitors):
            poller.register(socket, zmq.POLLIN)
        asked: set[str] = set()
        ask_again = 0.0
        missing: set[object] = {"kernel_info_reply", "idle", HERE, *self._monitors}
        deadline = time.monotonic() + _PROOF_SECONDS
        while missing:
            if (code := self._process.poll()) is not None:
                raise self._fault(f"it ended with exit status {code}")
            if given_up():
                raise self._fault("no longer needed")
            if time.monotonic() > deadline:
                raise self._fault(f"it did not answer within {_PROOF_SECONDS:.0f} s")
            # Again only if a broadcast was missed: a reply that nobody waits for would come later.
            if not asked or ("kernel_info_reply" not in missing and time.monotonic() > ask_again):
                request, frames = self.request("kernel_info_request")
                asked.add(request)
                self.shell.send_multipart(frames)
                ask_again = time.monotonic() + _ASK_AGAIN_SECONDS
            for socket, _events in poller.poll(20):
                frames = socket.recv_multipart()
                if socket in (self.link, *self._monitors):
                    missing.discard(HERE if socket is self.link else socket)
                    continue
                parent, kind = self.read(frames)
                if parent in asked:
                    missing.discard(kind)
        # Nobody else is to come in, and nothing is left behind however this process ends.
        self._folder.remove()

    def _fault(self, evidence: str) -> KernelStartError:
        try:
            said = (self._folder.path / ERROR_FILE).read_text(encoding="utf-8").splitlines()
        except OSError:
            said = []
        return KernelStartError("The new kernel didn't start; this one keeps running.", evidence=[*said, evidence])

    def request(self, kind: str, content: Mapping[str, Any] | None = None) -> tuple[str, list[bytes]]:
        """A request of the relay's own: its id, and its frames."""
        message = self._session.msg(kind, dict(content or {}))
        return str(message["header"]["msg_id"]), self._session.serialize(message)

    def read(self, frames: Sequence[Any]) -> tuple[str, str]:
        """A message's parent, and its type; of a status, the status itself."""
        parts = [bytes(frame) for frame in frames]
        start = parts.index(DELIMITER)
        header, parent = map(self._session.unpack, parts[start + 2 : start + 4])
        kind = str(header["msg_type"])
        if kind == "status":
            kind = self._session.unpack(parts[start + 5])["execution_state"]
        return parent.get("msg_id", ""), kind

    def watch(self, ended: Callable[[], None]) -> None:
        """Has a function called, from another thread, when the process has ended."""

        def wait() -> None:
            self.code = self._process.wait()
            ended()

        threading.Thread(target=wait, daemon=True, name="condacolab-bootstrap").start()

    def all_received(self) -> bool:
        """Whether everything has arrived here that it sent before it ended."""
        # Since it was proven, there is but one event to come: the connection's end, after all that came by it.
        self._monitors = [monitor for monitor in self._monitors if not monitor.poll(0)]
        return not self._monitors

    def end(self) -> None:
        """Ends it, if it still runs, and removes what it needed. Nothing may use the sockets any more."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        self._context.destroy(linger=0)
        self._folder.remove()


def _uncaptured(stream: Any, number: int) -> int:
    """A standard stream as this process got it: ipykernel has put its own in its place."""
    copy = getattr(stream, "_original_stdstream_copy", None)
    with suppress(OSError, TypeError):
        os.fstat(copy)  # type: ignore[arg-type]
        return int(copy)  # type: ignore[arg-type]
    return number
