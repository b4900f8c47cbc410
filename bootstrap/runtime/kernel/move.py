"""The old side of a move: empties the kernel, and replaces the process's program.

Tried with ipykernel 6 (6.17.1, which Colab has, to 6.31): the process keeps its id and its ports, so whoever
started it notices nothing. What is used of ipykernel's insides is checked by `obstacle` beforehand.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.kernel import wire
from bootstrap.runtime.kernel.handover import VARIABLE, Handover

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCH_MODULE = "bootstrap.runtime.kernel.launch"
_GRACE_SECONDS = 5.0
"""How long what runs at a process's exit may take; a Jupyter server gives a kernel as long."""
_DRAIN_SECONDS = 2.0
_HOLD_SECONDS = 10.0
"""How long to look for a moment at which no message is under way."""
_UNDER_WAY_SECONDS = 0.02
_MARKER = b"condacolab-bootstrap"


@dataclass(frozen=True)
class Target:
    """The program that a kernel becomes."""

    command: Sequence[str]
    """Executable and first arguments; the kernel's module and its arguments are appended."""
    environment: Mapping[str, str]
    """The whole environment."""
    remove: Sequence[str] = field(default=())
    """Folders that the new program deletes before the kernel starts."""
    note: str = ""
    """For the user, at the next cell."""


def live_kernel() -> Any:
    """The kernel that this process runs; None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)


def launch_arguments() -> list[str] | None:
    """Module and arguments that this kernel was started with, e.g. ``ipykernel_launcher -f FILE``; None if unknown.

    Source: the process's own command line, which no user code can have changed.
    """
    words = Path("/proc/self/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    if "-m" not in words[1:]:
        return None
    rest = words[words.index("-m") + 1 :]
    rest = rest[1:] if rest[0] == LAUNCH_MODULE else rest
    return rest if len(rest) > 1 else None


def obstacle(kernel: Any) -> str | None:
    """Why this kernel can't be moved in place; None if it can."""
    ipykernel = sys.modules.get("ipykernel")
    application = sys.modules.get("ipykernel.kernelapp")
    if ipykernel is None or application is None or not application.IPKernelApp.initialized():
        return "it is no ipykernel"
    version = str(getattr(ipykernel, "__version__", "?"))
    if version.split(".")[0] != "6":
        return f"it is ipykernel {version}, and only 6 can be moved"
    app = application.IPKernelApp.instance()
    parts = [(kernel, "msg_queue"), (kernel, "shell_stream"), (kernel, "dispatch_shell"), (app, "close")]
    missing = [name for owner, name in parts if getattr(owner, name, None) is None]
    if missing:
        return f"its {missing[0]} is not there"
    if getattr(app, "trio_loop", False):
        return "it runs a trio loop"
    if threading.current_thread() is not threading.main_thread():
        return "it runs cells in another thread than the main one"
    if launch_arguments() is None:
        return "its command line names no module"
    return None


def schedule(kernel: Any, target: Target) -> None:
    """Has the kernel become `target` as soon as the cell that runs now is answered, before any queued one."""
    queue = kernel.msg_queue
    waiting = _take_all(queue)
    queue.put_nowait((0, _move, (kernel, target)))
    for item in waiting:
        queue.put_nowait(item)


def _take_all(queue: Any) -> list[Any]:
    items = []
    while queue.qsize():
        items.append(queue.get_nowait())
    return items


async def _move(kernel: Any, target: Target) -> None:
    """Leaves everything in order, then becomes the other program. Does not return."""
    # From here on nothing may interrupt: the new program inherits this, and the kernel in it sets its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    app = sys.modules["ipykernel.kernelapp"].IPKernelApp.instance()
    ports = {"shell": app.shell_port, "control": app.control_port, "iopub": app.iopub_port}
    left = Handover(remove=list(target.remove), note=target.note)
    deadline = time.monotonic() + _HOLD_SECONDS
    # Whatever fails here: what was taken is carried on, and a kernel that stopped half-way would answer nothing more.
    with suppress(Exception):
        while not await _hold(kernel, left, ports) and time.monotonic() < deadline:
            for fd in left.descriptors:
                wire.release(fd)
            await _drain(kernel, left)

    # Exit functions of other packages may hang; the move goes on without them, from a thread of its own.
    watchdog = threading.Timer(_GRACE_SECONDS, become, (target, left))
    watchdog.daemon = True
    watchdog.start()
    _wind_up(app)
    watchdog.cancel()
    for fd in left.descriptors:
        # The clients begin to come back while the new program still loads.
        wire.end_writing(fd)
    become(target, left)


async def _hold(kernel: Any, left: Handover, ports: Mapping[str, int]) -> bool:
    """Keeps all clients' connections from being read on, and takes what was read.

    Returns:
        Whether that struck between two messages in each; else one is lost unless ZeroMQ reads on.
    """
    clients = wire.connections(set(ports.values()))
    for channel, port in ports.items():
        own = [connection for connection in clients if connection.port == port]
        left.clients[channel] = len(own)
        if channel != "iopub":
            left.held[channel] = [wire.hold(connection) for connection in own]
    # Each message taken makes room in ZeroMQ's queue, and what did not fit comes after it: done is what twice had
    # nothing more to give.
    idle = 0
    deadline = time.monotonic() + _DRAIN_SECONDS
    while idle < 2 and time.monotonic() < deadline:
        idle = 0 if await _drain(kernel, left) else idle + 1
    # The control channel's thread answers what it has; its connections are held, and their rest is carried.
    with suppress(Exception):
        await asyncio.wait_for(asyncio.ensure_future(kernel._flush_control_queue()), _DRAIN_SECONDS)
    # The rest of a message that is under way is here by now: clients are on this machine.
    await asyncio.sleep(_UNDER_WAY_SECONDS)
    return all(map(wire.between_messages, left.descriptors))


async def _drain(kernel: Any, left: Handover) -> int:
    """Takes what ZeroMQ has read so far out of the kernel's queue; returns how many messages."""
    import zmq

    stream = kernel.shell_stream
    before = len(left.messages.get("shell", ()))
    # One thread reads all connections. A message of our own, sent now, is read after all that was read before;
    # when it is here, so is everything else.
    marker = stream.socket.context.socket(zmq.DEALER)
    marker.linger = 0
    # A name of its own: ZeroMQ may not have noticed yet that the one before has left.
    marker.identity = b"%s-%d" % (_MARKER, time.monotonic_ns())
    marker.connect(stream.socket.getsockopt_string(zmq.LAST_ENDPOINT))
    marker.send(b"")
    deadline = time.monotonic() + _DRAIN_SECONDS
    marked = False
    while not marked and time.monotonic() < deadline:
        stream.flush(zmq.POLLIN)
        for _index, dispatch, args in _take_all(kernel.msg_queue):
            if dispatch != kernel.dispatch_shell:
                continue
            frames = [bytes(frame) for frame in args[0]]
            if frames[0] == marker.identity:
                marked = True
            else:
                left.add("shell", frames)
        await asyncio.sleep(0.001)
    marker.close()
    return len(left.messages.get("shell", ())) - before


def _wind_up(app: Any) -> None:
    """Does what happens at the end of a kernel: exit functions, outputs sent, sockets closed.

    What fails of it is left: nothing of this program remains anyway.
    """
    atexit.unregister(app.close)
    # The file belongs to the move's other side now.
    atexit.unregister(app.cleanup_connection_file)
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    sent = threading.Event()
    app.iopub_thread.schedule(sent.set)
    sent.wait(_DRAIN_SECONDS)
    originals = {
        number: copy
        for number, stream in ((1, sys.stdout), (2, sys.stderr))
        if (copy := getattr(stream, "_original_stdstream_copy", None)) is not None
    }
    with suppress(Exception):
        app.close()
    # Else the new program would write into pipes that nobody reads.
    for number, copy in originals.items():
        with suppress(OSError):
            os.dup2(copy, number)


def become(target: Target, left: Handover) -> None:
    """Replaces this process's program. Does not return, unless the operating system refuses."""
    arguments = launch_arguments() or []
    environment = {**target.environment, VARIABLE: str(left.leave())}
    command = [*target.command, *arguments]
    os.execve(command[0], command, environment)
