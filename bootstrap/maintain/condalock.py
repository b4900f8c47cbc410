"""Runs conda-lock as the command that it is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.children import captured, tied
from bootstrap.errors import CondaLockNotFoundError, CondaLockVersionError, SolverNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUPPORTED = "4.0.3"
_VERSION = re.compile(r"version (\S+)")
_PROBE_SECONDS = 120


def run_conda_lock(
    executable: Path, arguments: Sequence[str], *, folder: Path, environ: Mapping[str, str]
) -> tuple[int, str]:
    """Runs it in a folder; when the caller is interrupted, it and what it started end too.

    Returns:
        The exit status, and the standard output and error together.
    """
    with subprocess.Popen(
        [str(executable), *arguments],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=tied(),
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            # Its solver is a process of its own, which would outlive it.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output


def find_conda_lock(name: str = "conda-lock") -> Path:
    """The conda-lock to drive: the one installed beside this Python first, then the one on PATH.

    Args:
        name: Name or path of the executable.

    Raises:
        CondaLockNotFoundError: None there, or it doesn't start.
        CondaLockVersionError: Another version than `SUPPORTED`: locks are written by one version, so that the same
            input gives the same bytes.
    """
    beside = Path(sys.executable).parent / name
    path = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if not path:
        raise CondaLockNotFoundError(f"{name} not found.", evidence=[f"searched {beside.parent} and PATH"])
    executable = Path(path).absolute()
    try:
        command = [str(executable), "--version"]
        probe = captured(command, _PROBE_SECONDS, stdin=subprocess.DEVNULL, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CondaLockNotFoundError(f"{name} doesn't start.", evidence=[f"{executable}: {error}"]) from error
    version = _VERSION.search(probe.stdout)
    if probe.returncode or not version:
        last = (probe.stderr or probe.stdout).strip().splitlines()[-1:]
        raise CondaLockNotFoundError(f"{name} doesn't report its version.", evidence=[str(executable), *last])
    if version[1] != SUPPORTED:
        raise CondaLockVersionError(
            f"This is conda-lock {version[1]}; {SUPPORTED} is required.", evidence=[str(executable)]
        )
    return executable


def find_solver(name: str) -> Path:
    """A conda, mamba or micromamba by name or path.

    Raises:
        SolverNotFoundError: None there. conda-lock itself would go and download one.
    """
    path = shutil.which(name)
    if not path:
        raise SolverNotFoundError(f"{name} not found.", evidence=["searched PATH"])
    return Path(path).absolute()


def write_front(path: Path) -> Path:
    """Writes the executable that conda-lock is given as its conda, and returns its path."""
    package_folder = Path(__file__).resolve().parents[2]
    program = f"{shlex.quote(sys.executable)} -m bootstrap.maintain._child_conda"
    text = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(package_folder))} exec {program} "$@"\n'
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path
