# condacolab's wrapper has Python skip a script's first line (`-x`): it is this one.
"""Starts a notebook's kernel in the locked environment, or with the machine's own Python where that can't be done.

``python start.py -m MODULE ARGUMENT...``, run by its path and by either Python. Whatever is broken in the
environment, the guard in here has to stand: until it does, nothing is imported but what is part of the interpreter.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ORIGINAL_VARIABLE = "CONDACOLAB_BOOTSTRAP_ORIGINAL"
"""The interpreter that kernels were started with before; empty where nothing else may start instead."""
ORIGINAL_SUFFIX = ".original"
"""Begins what is appended to that interpreter's name. condacolab's are ``.real`` and ``.orig``."""
BEFORE_VARIABLE = "CONDACOLAB_BOOTSTRAP_BEFORE"
"""The environment variables that a kernel of that interpreter gets: ``env -0`` in base64."""
REASON_VARIABLE = "CONDACOLAB_BOOTSTRAP_FALLBACK"
"""Why the machine's own Python was started."""
TALLY_VARIABLE = "CONDACOLAB_BOOTSTRAP_STARTS"
"""The file in which starts are counted that have not begun to answer; it goes when one does."""

_NOTICE = (
    "condacolab-bootstrap: the locked environment's kernel could not start, so this is the machine's original "
    "one ({}). Run the first cell again to repair the environment and move into it."
)


def main() -> None:
    """Runs the kernel; returns when it ends."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and sys.path[0] == here:
        # What Python put there for the script; the kernel's launcher expects to be started from a clean path.
        del sys.path[0]
    arguments = sys.argv[2:]
    reason = os.environ.pop(REASON_VARIABLE, "")
    original = os.environ.pop(ORIGINAL_VARIABLE, "")
    before = os.environ.pop(BEFORE_VARIABLE, "")
    tally = os.environ.pop(TALLY_VARIABLE, "")
    if reason:
        _run_original(arguments, reason)
    elif original:
        _run_guarded(arguments, original, before, tally)
    else:
        _run_here(arguments)


def _run_here(arguments: list[str], begun: Callable[[], None] = lambda: None) -> None:
    package = os.path.abspath(f"{__file__}/../../../..")
    if package not in sys.path:
        sys.path.append(package)
    from bootstrap.runtime.kernel import launch

    launch.main(arguments, begun=begun)


def _run_guarded(arguments: list[str], original: str, before: str, tally: str) -> None:
    """Runs the kernel, or becomes the machine's own one if it ends before it has begun."""
    begun: list[bool] = []
    # The kernel puts its own in the place of these; the other one shall not write to where nobody reads.
    outputs = {number: os.dup(number) for number in (1, 2)}

    def begin() -> None:
        begun.append(True)
        _forget(tally)
        for copy in outputs.values():
            os.close(copy)

    try:
        _run_here(arguments, begin)
    except (Exception, SystemExit) as error:
        if begun or (isinstance(error, SystemExit) and not error.code):
            raise
        _forget(tally)
        for number, copy in outputs.items():
            os.dup2(copy, number)
        environment = {**_machines(before), REASON_VARIABLE: f"{type(error).__name__}: {error}"}
        name = original.partition(ORIGINAL_SUFFIX)[0]  # as it was before, which sys.executable then tells
        os.execve(original, [name, os.path.abspath(__file__), "-m", *arguments], environment)


def _forget(tally: str) -> None:
    try:
        os.unlink(tally)
    except OSError:  # there was none, or another start has taken it away
        return


def _machines(before: str) -> dict[str, str]:
    """The environment variables of the machine's own kernels."""
    try:
        from base64 import b64decode

        lines = os.fsdecode(b64decode(before)).split("\0")
        return dict(line.split("=", 1) for line in lines if "=" in line) or dict(os.environ)
    except Exception:  # even the standard library may be what is broken
        return dict(os.environ)


def _run_original(arguments: list[str], reason: str) -> None:
    """Runs the machine's own kernel, which says at its first cell why it is that one."""
    import runpy

    try:
        from ipykernel.kernelbase import Kernel
    except ImportError:
        pass  # then it won't start, and says so itself
    else:
        _tell_at_first_cell(Kernel, _NOTICE.format(reason))
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _tell_at_first_cell(kernel_class: type, text: str) -> None:
    start = kernel_class.start  # type: ignore[attr-defined]

    def begin(kernel: object) -> None:
        start(kernel)
        events = kernel.shell.events  # type: ignore[attr-defined]

        def tell(*_args: object) -> None:
            events.unregister("pre_run_cell", tell)
            print(text, file=sys.stderr)

        events.register("pre_run_cell", tell)

    kernel_class.start = begin  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
