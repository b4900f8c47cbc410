"""Imports what an environment's proof will import as soon as its packages are there, while others are still fetched.

What comes of it decides nothing: the proof is made afterwards, of the whole environment. But Python has compiled the
modules by then, which takes longer than all that the proof does itself.
"""

from __future__ import annotations

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
_KERNEL = {
    "ipykernel": ("zmq.eventloop.zmqstream", "jupyter_client.session", "tornado.ioloop", "traitlets.config"),
    "ipython": ("prompt_toolkit.shortcuts", "pygments.lexers.python"),
    "pillow": ("PIL.Image",),
    "httplib2": ("httplib2",),
    "requests": ("requests",),
}
"""Packages to modules: in a notebook on Colab, IPython and ipykernel themselves come from the machine."""
_IMPORT = """\
import importlib, os, sys
os.nice(19)
for line in sys.stdin:
    try:
        importlib.import_module(line.strip())
    except BaseException:
        pass
"""
_SECONDS = 60.0


@contextmanager
def warming_up(stage: Path, records: Iterable[Record]) -> Iterator[Callable[[str], None]]:
    """For as long as the block takes, imports modules in a process of the stage's own Python, at the lowest priority.

    Args:
        stage: The environment, new and still empty.
        records: All that it will hold.

    Yields:
        To be called with the name of each package that is verified and linked.
    """
    records = tuple(records)
    wanted = {**_NUMPY, **_KERNEL}
    missing = {name: closure for name in wanted if (closure := _closure(name, records))}
    processes: list[subprocess.Popen[bytes]] = []
    began: list[float] = []

    def linked(name: str) -> None:
        for package in [package for package in missing if name in missing[package]]:
            missing[package].discard(name)
            if missing[package]:
                continue
            del missing[package]
            if not processes:
                began.append(time.monotonic())
                processes.append(_start(stage))
            with suppress(OSError):  # it has ended by itself
                processes[0].stdin.write("".join(f"{module}\n" for module in wanted[package]).encode())  # type: ignore[union-attr]
                processes[0].stdin.flush()  # type: ignore[union-attr]

    try:
        yield linked
        for process in processes:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.communicate(timeout=_SECONDS)
                profile.add("compile modules in spare time", began[0], lane=1)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(stage: Path) -> subprocess.Popen[bytes]:
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
    found: set[str] = set()
    waiting = [name, "python"] if name in by_name else []
    while waiting:
        here = waiting.pop()
        if here in by_name and here not in found:
            found.add(here)
            waiting += by_name[here].depends
    return found
