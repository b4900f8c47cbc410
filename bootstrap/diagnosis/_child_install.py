"""A process that has numpy loaded, as a kernel has, while something is installed; it tells what still works.

A script for the interpreter of a throw-away copy, run in the copy's namespace. It reads a job as JSON on stdin:
commands for that interpreter, and distributions whose modules count. It answers with one JSON document on stdout:
what it finds after each command. What it imports to find out it imports in a child, so that it stays as it was: with
nothing loaded but numpy. Python 3.8 and later.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import PurePosixPath
from typing import Any

try:
    import ctypes
except ImportError:  # a Python built without it
    ctypes = None  # type: ignore[assignment]

LAZY = ("numpy.strings", "numpy.char", "numpy.rec", "numpy.ma", "numpy.linalg", "numpy.fft", "numpy.random")
"""Parts of numpy that ``import numpy`` leaves unloaded in one release or another, and that packages import."""
_INSTALL_SECONDS = 1800.0
_KEPT = 8


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Loads numpy, runs the commands, and looks after each."""
    with contextlib.suppress(ImportError):
        importlib.import_module("numpy")
    parts = shipped_parts()
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    steps = []
    for command in job["commands"]:
        done = subprocess.run(
            [job["python"], *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
            cwd=job["folder"],
            env=environment,
            timeout=_INSTALL_SECONDS,
            preexec_fn=_tie,
        )
        told = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        steps.append(
            {
                "installed": done.returncode == 0,
                "log": told[-_KEPT:],
                "memory": getattr(sys.modules.get("numpy"), "__version__", None),
                "disk": on_disk(),
                "live": failures(job["names"], parts),
            }
        )
    return {"steps": steps}


def _tie() -> None:
    """Has an installation end with this process, which ends with the one that asked for it."""
    if ctypes is not None:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def on_disk() -> str | None:
    """The version of the numpy that a new process would import."""
    importlib.invalidate_caches()
    try:
        return metadata.version("numpy")
    except metadata.PackageNotFoundError:
        return None


def shipped_parts() -> set[str]:
    """The lazy parts that are there now, looked for without importing them."""
    parts = set()
    for name in LAZY:
        with contextlib.suppress(ImportError, ValueError):
            if importlib.util.find_spec(name) is not None:
                parts.add(name)
    return parts


def failures(names: list[str], parts: set[str]) -> list[str]:
    """What can't be imported now, with its error; found in a child process that ends afterwards.

    Args:
        names: Distributions whose modules count, beside numpy's lazy parts.
        parts: The lazy parts that the loaded numpy came with.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w", encoding="utf-8") as stream:
            json.dump([error for name in [*LAZY, *modules_of(names)] if (error := failure(name, parts))], stream)
            stream.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    errors: list[str] = json.loads(text) if text else [f"the process died with status {status}"]
    return errors


def failure(name: str, parts: set[str]) -> str:
    """Why a module can't be imported now; empty where it can."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A part that no release of this numpy ever had is no failure; a part that is gone from disk is one.
        absent = name in LAZY and error.name == name and name not in parts
        return "" if absent else f"{name}: {type(error).__name__}: {error}"
    except BaseException as error:
        return f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return ""


def modules_of(names: list[str]) -> list[str]:
    """What to import of these distributions, as they are installed now."""
    modules = []
    for name in names:
        try:
            files = metadata.distribution(name).files or ()
        except metadata.PackageNotFoundError:
            continue
        tops = {}
        for path in files:
            parts = PurePosixPath(path).parts
            if len(parts) > 1 and parts[1] == "__init__.py":
                tops[parts[0]] = True
            elif len(parts) == 1 and parts[0].endswith(".py"):
                tops[parts[0][:-3]] = True
        plain = name.replace("-", "_").lower()
        public = [top for top in tops if top.isidentifier() and not top.startswith("_")]
        modules += [top for top in public if top.lower() == plain] or public[:1]
    return modules


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what packages print is no answer
    json.dump(run(json.load(sys.stdin)), out)
    out.close()
