"""Moves the running kernel: what the rest of the program uses, in a relay's process and in a child's."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import profile, provenance
from bootstrap.runtime.kernel import relayed, resources
from bootstrap.runtime.kernel.child_kernel import KernelTarget
from bootstrap.runtime.kernel.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LAUNCH_MODULE", "KernelTarget", "launch_arguments", "live_kernel", "moving", "obstacle"]

LAUNCH_MODULE = "bootstrap.runtime.kernel.launch"

_relays: dict[int, Relay] = {}


def live_kernel() -> Any:
    """The kernel that this process runs; None outside of one."""
    return getattr(provenance.shell(), "kernel", None)


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
    """Why this kernel can't be moved while it runs; None if it can."""
    if relayed.link() is not None:
        return None
    ipykernel = sys.modules.get("ipykernel")
    application = sys.modules.get("ipykernel.kernelapp")
    if ipykernel is None or application is None or not application.IPKernelApp.initialized():
        return "it isn't an ipykernel"
    version = str(getattr(ipykernel, "__version__", "?"))
    if version.split(".")[0] != "6":
        return f"it is ipykernel {version}, and only 6 can be moved"
    parts = (
        "msg_queue",
        "shell_stream",
        "control_stream",
        "stdin_socket",
        "iopub_thread",
        "dispatch_shell",
        "parent",
    )
    missing = [name for name in parts if getattr(kernel, name, None) is None]
    if missing:
        return f"its {missing[0]} is missing"
    if getattr(kernel.parent, "trio_loop", False):
        return "it runs a trio loop"
    if getattr(kernel, "eventloop", None) is not None:
        return "it runs another event loop beside its own"
    if threading.current_thread() is not threading.main_thread():
        return "it runs cells in another thread than the main one"
    arguments = launch_arguments()
    if arguments is None:
        return "its command line names no module"
    if not any(kernel.parent.connection_file in argument for argument in arguments):
        return "its command line names no connection file"
    if devices := resources.held_accelerators():
        return f"it has {', '.join(devices)} open, and memory that it holds there would stay in use"
    return None


@contextmanager
def moving(kernel: Any, target: KernelTarget) -> Iterator[None]:
    """Starts the other kernel, and has it take over after the cell that runs now, if the block ends well.

    Raises:
        KernelStartError: The other kernel doesn't start; nothing has changed.
    """
    relay = relayed.link() or _relays.setdefault(id(kernel), Relay(kernel, launch_arguments() or []))
    with profile.span("start the kernel"):
        relay.prepare(target)
    try:
        yield
    except BaseException:
        relay.cancel()
        raise
    relay.commit(target.remove)


def cancel() -> None:
    """Takes back a move that this cell has begun."""
    for relay in _relays.values():
        relay.cancel()
