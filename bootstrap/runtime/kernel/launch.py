"""The new side of a move, and every later start of a kernel in the locked environment.

``python -m bootstrap.runtime.kernel.launch MODULE ARGUMENT...`` runs a kernel's own launcher (``MODULE``:
``colab_kernel_launcher``, ``ipykernel_launcher``) as ``python -m MODULE`` would. After a move it first waits until
the clients are back, takes over what was waiting for the program before, and answers that first.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.kernel import interface, wire
from bootstrap.runtime.kernel.handover import Handover, receive

if TYPE_CHECKING:
    from collections.abc import Callable

PROVE = "--condacolab-bootstrap-prove"
"""In place of a kernel's arguments: start one in a folder of its own, tell what it runs with, and end."""
_CLIENTS_SECONDS = 3.0
"""How long clients may take to come back. One that was closed meanwhile never does."""
_REST_SECONDS = 1.0


def main(arguments: list[str] | None = None, *, begun: Callable[[], None] = lambda: None) -> None:
    """Runs the kernel; returns when it ends.

    Args:
        arguments: The kernel's launcher, and what is passed to it.
        begun: Called as soon as the kernel answers.
    """
    module, *rest = sys.argv[1:] if arguments is None else arguments
    if sys.path[0] in ("", str(Path.cwd())):
        # What -m put there; the kernel's launcher expects to be started from a clean path.
        del sys.path[0]
    if rest == [PROVE]:
        _rehearse(module)
        return
    left = receive()
    for folder in left.remove if left else ():
        shutil.rmtree(folder, ignore_errors=True)
    interface.put_around()
    _prepare(left, begun)
    _run(module, rest)


def _run(module: str, arguments: list[str]) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _rehearse(module: str) -> None:
    """Starts a kernel that nobody uses, has it run a cell, and says on standard output what came of it."""
    # The kernel will put its own in the place of standard output.
    report = os.dup(1)
    folder = tempfile.mkdtemp(prefix="condacolab-bootstrap-")
    os.environ["IPYTHONDIR"] = folder  # neither the user's history nor what they have IPython start with

    def end(told: dict[str, Any]) -> None:
        os.write(report, json.dumps(told).encode())
        shutil.rmtree(folder, ignore_errors=True)
        # Its threads and whatever else waits at an orderly end are of no use any more.
        os._exit(0)

    try:
        sockets = {f"{name}_port": number for number, name in enumerate(_CHANNELS, 1)}
        connection = {"transport": "ipc", "ip": f"{folder}/kernel", "key": "", **sockets}
        Path(folder, "kernel.json").write_text(json.dumps(connection), encoding="utf-8")
        interface.put_around()
        _at_start(lambda kernel: kernel.io_loop.add_callback(lambda: end(_rehearsed(kernel))))
        _run(module, ["-f", f"{folder}/kernel.json"])
    except BaseException as error:
        end({"error": f"{type(error).__name__}: {error}"})


_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


def _rehearsed(kernel: Any) -> dict[str, Any]:
    """What a kernel in the environment runs with; it also needs the way back out of it."""
    try:
        kernel.shell.run_cell("import numpy", silent=True).raise_error()
        importlib.import_module("bootstrap.runtime.undo")
        modules = [sys.modules[name] for name in ("numpy", "ipykernel.kernelapp", "ipykernel.zmqshell")]
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "python": sys.version.split()[0],
        "numpy": modules[0].__version__,
        "files": [module.__file__ for module in modules],
    }


def _at_start(action: Callable[[Any], None]) -> None:
    """Has something done with the kernel as soon as it has begun."""
    from ipykernel.kernelbase import Kernel

    start: Callable[[Any], None] = Kernel.start

    def begin(kernel: Any) -> None:
        start(kernel)
        action(kernel)

    Kernel.start = begin


def _prepare(left: Handover | None, begun: Callable[[], None]) -> None:
    from ipykernel import kernelapp

    returning = _Returning(left) if left and left.clients else None
    if returning:
        returning.hook_into(kernelapp)

    def on_start(kernel: Any) -> None:
        begun()
        _leave_other_environments()
        if returning:
            returning.dispatch(kernel)
        shell = getattr(kernel, "shell", None)
        if shell is not None:
            _watch(shell)
            if left:
                # The cell that moved the kernel imported it; the next one may well use it.
                with suppress(ImportError):
                    shell.push({"bootstrap": importlib.import_module("bootstrap")}, interactive=False)

    _at_start(on_start)


def _leave_other_environments() -> None:
    """Takes off the path other conda environments' folders: condacolab has IPython's configuration put them there."""
    own = Path(sys.prefix).resolve()
    for entry in list(sys.path):
        other = Path(entry, "../../..").resolve()  # of PREFIX/lib/python3.X/site-packages
        if entry.endswith("/site-packages") and other != own and (other / "conda-meta").is_dir():
            sys.path.remove(entry)


def _watch(shell: Any) -> None:
    """Has every cell watched for damage, where this is the environment."""
    if (Path(sys.prefix) / "conda-meta").is_dir():
        from bootstrap.guard import tripwire

        tripwire.arm(shell, sys.prefix)


class _Returning:
    """Waits for the clients of the program before, and collects what they still had sent to it."""

    def __init__(self, left: Handover) -> None:
        self._left = left
        self._watched: dict[Any, tuple[Any, int]] = {}

    def hook_into(self, kernelapp: Any) -> None:
        """Has the sockets watched from before they are bound, and the kernel's start held back."""
        import zmq

        app_class = kernelapp.IPKernelApp
        bind, init_iopub, iopub_thread = app_class._bind_socket, app_class.init_iopub, kernelapp.IOPubThread

        def bind_watched(app: Any, sock: Any, port: int) -> Any:
            for channel in ("shell", "control"):
                if port == getattr(app, f"{channel}_port") and self._left.clients.get(channel):
                    monitor = sock.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
                    self._watched[sock] = (monitor, self._left.clients[channel])
            return bind(app, sock, port)

        def init_with_subscriptions(app: Any, context: Any) -> Any:
            # The same as a PUB socket, but it tells who subscribes; a second client's counts, too.
            context.setsockopt(zmq.XPUB_VERBOSE, 1)
            kind, zmq.PUB = zmq.PUB, zmq.XPUB
            try:
                return init_iopub(app, context)
            finally:
                zmq.PUB = kind

        def thread_when_all_are_back(sock: Any, *args: Any, **options: Any) -> Any:
            # Its own loop must not exist yet: until then, the socket is this thread's.
            self._collect_rest()
            self._wait(sock)
            return iopub_thread(sock, *args, **options)

        app_class._bind_socket = bind_watched
        app_class.init_iopub = init_with_subscriptions
        kernelapp.IOPubThread = thread_when_all_are_back

    def _collect_rest(self) -> None:
        channels = {fd: channel for channel, fds in self._left.held.items() for fd in fds}
        rest = wire.read_rest(list(channels), seconds=_REST_SECONDS)
        for fd, data in rest.items():
            for frames in wire.messages(data):
                # A client names its connection after its session; the name itself was sent long ago.
                session = json.loads(frames[2])["session"].encode()
                self._left.add(channels[fd], [session, *frames])

    def _wait(self, iopub: Any) -> None:
        import zmq

        deadline = time.monotonic() + _CLIENTS_SECONDS
        subscriptions = self._left.clients.get("iopub", 0)
        missing = dict(self._watched.values())
        while time.monotonic() < deadline and (subscriptions > 0 or any(count > 0 for count in missing.values())):
            if iopub.poll(2, zmq.POLLIN):
                subscriptions -= iopub.recv()[:1] == b"\x01"
            for monitor in missing:
                while monitor.poll(0):
                    monitor.recv_multipart()
                    missing[monitor] -= 1
        for sock, (monitor, _) in self._watched.items():
            # Not just closed: ZeroMQ would wait for ever for somebody to take the next event.
            sock.disable_monitor()
            # Else the kernel's context could not end, when it moves once more.
            monitor.close(linger=0)

    def dispatch(self, kernel: Any) -> None:
        """Has the kernel answer what was waiting, in order, before anything new."""
        import zmq

        for frames in self._left.frames("shell"):
            kernel.schedule_dispatch(kernel.dispatch_shell, [zmq.Message(frame) for frame in frames])
        control_loop = kernel.control_thread.io_loop if kernel.control_thread else kernel.io_loop
        for frames in self._left.frames("control"):
            message = [zmq.Message(frame) for frame in frames]
            control_loop.add_callback(kernel.dispatch_control, message)


if __name__ == "__main__":
    main()
