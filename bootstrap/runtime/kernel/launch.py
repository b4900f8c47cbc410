"""The program of a relay's child, and of every later start of a kernel in the locked environment.

``python -m bootstrap.runtime.kernel.launch MODULE ARGUMENT...`` runs a kernel's own launcher (``MODULE``:
``colab_kernel_launcher``, ``ipykernel_launcher``) as ``python -m MODULE`` would. Where a relay has started it, it
ends with that: see `relayed`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import runpy
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.runtime.kernel import fallback, folder, relayed

if TYPE_CHECKING:
    from collections.abc import Callable

PROVE = "--prove"
"""In place of a kernel's arguments: only show that it could start."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the kernel; returns when it ends.

    If the kernel can't start here, the process becomes the machine's original one: see `fallback`.
    """
    module, *rest = sys.argv[1:] if arguments is None else arguments
    if sys.path[0] in ("", str(Path.cwd())):
        # What -m put there; the kernel's launcher expects to be started from a clean path.
        del sys.path[0]
    if rest == [PROVE]:
        print(json.dumps(_prove(module)))
        return
    link = relayed.receive()
    if link is not None:
        link.end_with_relay()
    else:
        folder.sweep()
    try:
        _prepare(link)
    except Exception as error:
        if link is not None:
            link.say_why(error)
        if link is not None or not fallback.available():
            raise
        fallback.become_original([module, *rest], f"{type(error).__name__}: {error}")
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _prove(module: str) -> dict[str, Any]:
    """Imports all that a kernel needs to start, and numpy; tells where they come from."""
    import numpy
    from ipykernel import kernelapp, zmqshell

    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    if module == "colab_kernel_launcher":
        importlib.import_module("google.colab._kernel")
    return {
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        "files": [numpy.__file__, kernelapp.__file__, zmqshell.__file__],
    }


def _prepare(link: relayed.Link | None) -> None:
    from ipykernel import kernelapp
    from ipykernel.kernelbase import Kernel

    start: Callable[[Any], None] = Kernel.start
    if link is not None:
        relayed.attach(link, Kernel)
        _lift_limits(kernelapp.IPKernelApp)
    notice = fallback.notice()

    def begin(kernel: Any) -> None:
        start(kernel)
        shell = getattr(kernel, "shell", None)
        if shell is not None:
            _arm(shell, notice)
            if link is not None:
                # The cell that moved the kernel imported it; the next one may well use it.
                with suppress(ImportError):
                    shell.push({"bootstrap": importlib.import_module("bootstrap")}, interactive=False)

    Kernel.start = begin


def _lift_limits(application: Any) -> None:
    """Lets any number of messages wait at the kernel's sockets, which drop or stop at a thousand else."""
    bind: Callable[..., Any] = application._bind_socket

    def bind_without_limits(app: Any, socket: Any, port: int) -> Any:
        socket.sndhwm = socket.rcvhwm = 0
        return bind(app, socket, port)

    application._bind_socket = bind_without_limits


def _arm(shell: Any, notice: str) -> None:
    """Tells at the first cell what is to be told, and has every cell watched."""
    if notice:

        def tell(*_args: object) -> None:
            shell.events.unregister("pre_run_cell", tell)
            print(notice, file=sys.stderr)

        shell.events.register("pre_run_cell", tell)
    if (Path(sys.prefix) / "conda-meta").is_dir():
        from bootstrap.guard import tripwire

        tripwire.arm(shell, sys.prefix)


if __name__ == "__main__":
    main()
