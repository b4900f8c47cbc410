"""Shows that a kernel can start in an environment, in a fresh process, before any kernel is moved there."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import profile
from bootstrap.children import tied
from bootstrap.errors import KernelProofError
from bootstrap.runtime.kernel.launch import PROVE
from bootstrap.runtime.kernel.start import ORIGINAL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.lock import Record
    from bootstrap.runtime.environment_paths import EnvironmentPaths

_SECONDS = 120
"""Imports from a cold, slow disk; what takes longer would take longer at every start."""


def prove(layout: EnvironmentPaths, module: str, records: Iterable[Record]) -> None:
    """Starts a kernel just as every other one would be started, in a folder of its own, and has it run a cell.

    Args:
        layout: The prefix.
        module: The kernel's launcher.
        records: What is locked.

    Raises:
        KernelProofError: It doesn't start, or what it runs with doesn't come from the prefix or isn't the locked.
    """
    command = [str(layout.entry), module, PROVE]
    # Neither another kernel's parent nor another interpreter in its place.
    environment = {**os.environ, ORIGINAL_VARIABLE: ""}
    environment.pop("JPY_PARENT_PID", None)
    try:
        with profile.span("prove a kernel"):
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
                preexec_fn=tied(),
                env=environment,
            )
    except subprocess.TimeoutExpired:
        raise _fault(f"no answer within {_SECONDS} s: {' '.join(command)}") from None
    try:
        report = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise _fault(*done.stderr.strip().splitlines()[-3:], f"exit status {done.returncode}") from None
    if "error" in report:
        raise _fault(report["error"])
    _judge(report, layout.prefix, records)


def prove_here(prefix: Path, records: Iterable[Record]) -> None:
    """The same of this process, a kernel that was started in the environment. Imports numpy.

    Raises:
        KernelProofError: numpy doesn't come from the prefix, or is not the locked one.
    """
    try:
        numpy = importlib.import_module("numpy")
    except ImportError as error:
        raise _fault(f"{type(error).__name__}: {error}") from error
    _judge({"numpy": numpy.__version__, "files": [numpy.__file__]}, prefix, records)


def _judge(report: dict[str, Any], prefix: Path, records: Iterable[Record]) -> None:
    inside = prefix.resolve()
    for file in report["files"]:
        if inside not in Path(file).resolve().parents:
            raise _fault(f"{file} is outside {prefix}")
    locked = next((record.version for record in records if record.name == "numpy"), report["numpy"])
    if report["numpy"] != locked:
        raise _fault(f"numpy {report['numpy']} is imported, {locked} is locked")


def _fault(*evidence: str) -> KernelProofError:
    return KernelProofError("A kernel can't start in the restored environment.", evidence=evidence)
