"""A process that has numpy loaded while something is installed; asked afterwards what still works.

A script for the interpreter of a throw-away copy. It imports numpy, says so, and then answers a JSON request a
line on stdin with a JSON line on stdout. What it imports to answer it imports in a child, so that the next
request finds it as it was: with nothing loaded but numpy.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import sys
from importlib import metadata
from typing import Any

LAZY = ("numpy.strings", "numpy.char", "numpy.rec", "numpy.ma", "numpy.linalg", "numpy.fft", "numpy.random")
"""Parts of numpy that ``import numpy`` leaves unloaded in one release or another, and that packages import."""


def on_disk() -> str | None:
    """The version of the numpy that a new process would import."""
    try:
        importlib.invalidate_caches()
        return metadata.version("numpy")
    except metadata.PackageNotFoundError:
        return None


def failures(modules: list[str]) -> list[str]:
    """The modules that can't be imported now, with their errors."""
    found = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            # A part that no release of this numpy ever had is no failure; a part that is gone from disk is one.
            if name in LAZY and error.name == name and not _shipped(name):
                continue
            found.append(f"{name}: {type(error).__name__}: {error}")
        except BaseException as error:
            found.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    return found


def _shipped(name: str) -> bool:
    """Whether the loaded numpy came with that part."""
    return name in BEFORE


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What fails, found in a child process that ends afterwards."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w", encoding="utf-8") as stream:
            json.dump(failures(request["modules"]), stream)
            stream.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    found = json.loads(text) if text else [f"the process died with status {status}"]
    return {"live": found, "memory": memory(), "disk": on_disk()}


def memory() -> str | None:
    """The version of the numpy that is loaded."""
    module = sys.modules.get("numpy")
    return getattr(module, "__version__", None)


def shipped_parts() -> set[str]:
    """The lazy parts that are there now, looked for without importing them."""
    found = set()
    for name in LAZY:
        try:
            if importlib.util.find_spec(name) is not None:
                found.add(name)
        except (ImportError, ValueError):
            continue
    return found


BEFORE: set[str] = set()


def main() -> None:
    """Loads numpy and answers until stdin ends."""
    sys.path[:] = sys.path[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what packages print is no answer
    with contextlib.suppress(ImportError):
        importlib.import_module("numpy")
    BEFORE.update(shipped_parts())
    out.write(json.dumps({"memory": memory(), "disk": on_disk()}) + "\n")
    out.flush()
    for line in sys.stdin:
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
