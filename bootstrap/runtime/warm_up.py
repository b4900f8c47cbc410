"""Imports what an environment's proof will import as soon as its packages are there, while others are still fetched.

What comes of it decides nothing: the proof is made afterwards, of the whole environment. But Python has compiled the
modules by then, which takes longer than all that the proof does itself.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bootstrap import profile
from bootstrap.children import tied
from bootstrap.runtime.environment_paths import EnvironmentPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from bootstrap.lock import Record

_NUMPY = {
    "numpy": ("numpy.testing", "numpy.f2py", "numpy.polynomial", "numpy.ctypeslib"),
    "scipy": ("scipy.linalg", "scipy.sparse"),
    "pandas": ("pandas",),
    "pyarrow": ("pyarrow",),
}
_KERNEL = {"ipykernel": ("ipykernel.kernelapp",), "ipython": ("IPython",)}
_COLABS_KERNEL = {
    "ipykernel": ("zmq.eventloop.zmqstream", "jupyter_client.session", "tornado.ioloop", "traitlets.config"),
    "ipython": ("prompt_toolkit.shortcuts", "pygments.lexers.python"),
    "pillow": ("PIL.Image",),
    "httplib2": ("httplib2",),
    "requests": ("requests",),
}
"""Packages to modules. On Colab, IPython and ipykernel themselves come from the machine."""
_IMPORT = """\
import importlib, os, select, sys
os.nice(19)
poll = select.poll()
poll.register(0, select.POLLIN)
def ended(wait):
    return any(events & select.POLLHUP for _, events in poll.poll(wait))
while not ended(None):
    for name in os.read(0, 4096).decode().split():
        if ended(0):
            break
        try:
            importlib.import_module(name)
        except BaseException:
            pass
"""
"""Imports what it is told on stdin, and begins with nothing more when that is closed. What can't be imported is for
the proof to find: a warm-up decides nothing."""
_SECONDS = 60.0


@contextmanager
def warming_up(stage: Path, records: Iterable[Record], *, colab: bool) -> Iterator[Callable[[str | None], None]]:
    """Imports modules in a process of the stage's own Python, at the lowest priority.

    Args:
        stage: The environment, new and still empty.
        records: All that it will hold.
        colab: Whether kernels there have Colab's own IPython and ipykernel.

    Yields:
        To be called with the name of each package that is verified and linked, and with None when all are: what is
        not begun by then is left to the proof. At the block's end the process has ended.
    """
    records = tuple(records)
    wanted = {**_NUMPY, **(_COLABS_KERNEL if colab else _KERNEL)}
    missing = {name: closure for name in wanted if (closure := _closure(name, records))}
    process: subprocess.Popen[bytes] | None = None
    began = 0.0

    def linked(name: str | None) -> None:
        nonlocal process, began
        if name is None:
            if process:
                process.stdin.close()  # type: ignore[union-attr]
                with suppress(OSError):  # not everybody may; what it has begun would wait for all others
                    os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0))
            return
        for package in [package for package in missing if name in missing[package]]:
            missing[package].discard(name)
            if not missing[package]:
                del missing[package]
                if process is None:
                    began, process = time.monotonic(), _importer(stage)
                with suppress(OSError):  # it has ended by itself
                    modules = "".join(f"{module}\n" for module in wanted[package])
                    os.write(process.stdin.fileno(), modules.encode())  # type: ignore[union-attr]

    try:
        yield linked
        if process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS)
            profile.add("compile modules in spare time", began, lanes="compile")
    finally:
        if process:
            process.kill()
            process.wait()
            process.stdin.close()  # type: ignore[union-attr]


def _importer(stage: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(EnvironmentPaths(stage).python), "-I", "-c", _IMPORT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        preexec_fn=tied(),
    )


def _closure(name: str, records: Iterable[Record]) -> set[str]:
    """A locked package, python, and all that they need; empty where the package is not locked."""
    by_name = {record.name: record for record in records}
    closure: set[str] = set()
    waiting = [name, "python"] if name in by_name else []
    while waiting:
        current = waiting.pop()
        if current in by_name and current not in closure:
            closure.add(current)
            waiting += by_name[current].depends
    return closure
