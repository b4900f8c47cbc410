"""The program of a relay's child, and of every later start of a kernel in the locked environment.

``python -m bootstrap.runtime.kernel.launch MODULE ARGUMENT...`` runs a kernel's own launcher (``MODULE``:
``colab_kernel_launcher``, ``ipykernel_launcher``) as ``python -m MODULE`` would. Where a relay has started it, it
ends with that: see `relayed`.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.kernel import interface, relayed
from bootstrap.runtime.kernel.folder import write_connection_file

if TYPE_CHECKING:
    from collections.abc import Callable

PROVE = "--condacolab-bootstrap-prove"
"""In place of a kernel's arguments: start one in a folder of its own, tell what it runs with, and end."""


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
    link = relayed.receive()
    if link is None:
        _start(module, rest, begun)
        return
    link.end_with_relay()
    try:
        _start(module, rest, begun, link)
    except Exception as error:
        link.say_why(error)
        raise


def _start(module: str, arguments: list[str], begun: Callable[[], None], link: relayed.Link | None = None) -> None:
    interface.put_around()
    if link is not None:
        from ipykernel.kernelapp import IPKernelApp
        from ipykernel.kernelbase import Kernel

        relayed.attach(link, Kernel)
        _lift_limits(IPKernelApp)

    def on_start(kernel: Any) -> None:
        begun()
        if link is not None:
            link.begin(kernel)
        _leave_other_environments()
        shell = getattr(kernel, "shell", None)
        if shell is not None:
            if (Path(sys.prefix) / "conda-meta").is_dir():
                from bootstrap.guard import tripwire

                tripwire.arm(shell, sys.prefix)
            if link is not None:
                # The cell that moved the kernel imported it; the next one may well use it.
                with suppress(ImportError):
                    shell.push({"bootstrap": importlib.import_module("bootstrap")}, interactive=False)

    _at_start(on_start)
    _run(module, arguments)


def _run(module: str, arguments: list[str]) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _rehearse(module: str) -> None:
    """Starts a kernel that nobody uses, has it run a cell, and says on standard output what came of it."""
    # The kernel will put its own in the place of standard output.
    report = os.dup(1)
    # In the environment, with which it goes if this process is killed.
    scratch = tempfile.mkdtemp(prefix="proof-", dir=EnvironmentPaths(Path(sys.prefix)).own)
    os.environ["IPYTHONDIR"] = scratch  # neither the user's history nor what they have IPython start with

    def end(told: dict[str, Any]) -> None:
        os.write(report, json.dumps(told).encode())
        shutil.rmtree(scratch, ignore_errors=True)
        # Its threads and whatever else waits at an orderly end are of no use any more.
        os._exit(0)

    try:
        # By a relative path: those of sockets have to be short.
        os.chdir(scratch)
        write_connection_file(Path(scratch, "kernel.json"), "kernel", os.urandom(16).hex())
        interface.put_around()
        _at_start(lambda kernel: kernel.io_loop.add_callback(lambda: end(_rehearsed(kernel))))
        _run(module, ["-f", f"{scratch}/kernel.json"])
    except BaseException as error:
        end({"error": f"{type(error).__name__}: {error}"})


def _rehearsed(kernel: Any) -> dict[str, Any]:
    """What a kernel in the environment runs with; it also needs the way back out of it."""
    try:
        kernel.shell.run_cell("import numpy", silent=True).raise_error()
        importlib.import_module("bootstrap.runtime.undo")
        modules = [sys.modules[name] for name in ("numpy", "ipykernel.kernelapp", "ipykernel.zmqshell")]
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"numpy": modules[0].__version__, "files": [module.__file__ for module in modules]}


def _at_start(action: Callable[[Any], None]) -> None:
    """Has something done with the kernel as soon as it has begun."""
    from ipykernel.kernelbase import Kernel

    start: Callable[[Any], None] = Kernel.start

    def begin(kernel: Any) -> None:
        start(kernel)
        action(kernel)

    Kernel.start = begin


def _leave_other_environments() -> None:
    """Takes off the path other conda environments' folders: condacolab has IPython's configuration put them there."""
    own = Path(sys.prefix).resolve()
    for entry in list(sys.path):
        other = Path(entry, "../../..").resolve()  # of PREFIX/lib/python3.X/site-packages
        if entry.endswith("/site-packages") and other != own and (other / "conda-meta").is_dir():
            sys.path.remove(entry)


def _lift_limits(application: Any) -> None:
    """Lets any number of messages wait at the kernel's sockets, which drop or stop at a thousand else."""
    bind: Callable[..., Any] = application._bind_socket

    def bind_without_limits(app: Any, socket: Any, port: int) -> Any:
        socket.sndhwm = socket.rcvhwm = 0
        return bind(app, socket, port)

    application._bind_socket = bind_without_limits


if __name__ == "__main__":
    main()
