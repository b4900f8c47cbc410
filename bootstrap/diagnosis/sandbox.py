"""Throw-away copies of an environment, in which things may be broken.

As root an overlay in a mount namespace of its own: the very paths, and nothing copied. Otherwise a real copy,
by reflinks where the file system has them. Hard links are not used: whatever writes in place would write into
the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.children import captured
from bootstrap.errors import ProofError, ProofSpaceError
from bootstrap.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootstrap.diagnosis.target import Target

_ROOM = 2_000_000_000
"""Bytes that an installation may take beside the copy."""
_MOUNT = 'set -eu; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$1"; shift 3; exec "$@"'


@dataclass(frozen=True)
class Sandbox:
    """A copy, for as long as it is held."""

    python: Path
    """Its interpreter, as seen by commands behind `wrapper`."""
    wrapper: tuple[str, ...] = ()
    """What goes before a command that should see the copy."""


@contextmanager
def sandbox(target: Target, *, method: str = "auto") -> Iterator[Sandbox]:
    """Holds a copy of the environment of an interpreter.

    Args:
        target: The interpreter.
        method: ``overlay``, ``copy``, or ``auto`` for the first where it is allowed.

    Raises:
        ProofSpaceError: Not enough disk space for it.
        ProofError: It can't be made.
    """
    with scratch_folder() as scratch:
        if method != "copy" and (wrapper := _overlay(target.prefix, scratch)):
            yield Sandbox(target.python, wrapper)
        elif method == "overlay":
            raise ProofError("Can't mount an overlay here.", evidence=[f"on {target.prefix}, under {scratch}"])
        else:
            yield Sandbox(_real_copy(target, scratch / "env"))


def _overlay(prefix: Path, scratch: Path) -> tuple[str, ...]:
    """The command before a command that sees writes to the prefix in a layer of its own; empty where not allowed."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or scratch.is_relative_to(prefix) or ":" in str(prefix):
        return ()
    layers = scratch / "upper", scratch / "work"
    for layer in layers:
        layer.mkdir(exist_ok=True)
    wrapper = (unshare, "--mount", "sh", "-c", _MOUNT, "sh", str(prefix), *map(str, layers))
    return wrapper if captured([*wrapper, "true"]).returncode == 0 else ()


def _real_copy(target: Target, place: Path) -> Path:
    """The interpreter of a virtual environment that holds a copy of everything installed."""
    needed = sum(_size(source) for source in target.packages) + _ROOM
    free = shutil.disk_usage(place.parent).free
    if free < needed:
        evidence = [f"{place.parent}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed"]
        raise ProofSpaceError("Not enough disk space for a copy of the environment.", evidence=evidence)
    try:
        python, site = target.bare_environment(place)
        for source in reversed(target.packages):  # what is found first is copied last
            command = ["cp", "-a", "--reflink=auto", f"{source}/.", str(site)]
            # Files that come and go meanwhile, as bytecode that is being written, make cp fail.
            if captured(command).returncode:
                captured(command).check_returncode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProofError("Can't copy the environment.", evidence=[str(error)]) from error
    return python


def _size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    command = ["du", "--summarize", "--bytes", str(folder)]
    told = captured(command).stdout.split()
    return int(told[0]) if told else 0
