"""The interpreter asked about: what it is, and what is installed in it.

It says so itself, in a process of its own that writes nothing: not even bytecode.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from bootstrap.diagnosis.interpreter_process import inventory
from bootstrap.diagnosis.model import Dist
from bootstrap.errors import InterpreterError, PipTooOldError

if TYPE_CHECKING:
    from bootstrap.diagnosis.dependency_graph import Markers

OLDEST_PIP = (22, 3)
"""The first that resolves without installing, reports as JSON, and runs for another interpreter."""
_PACKAGES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Target:
    """An interpreter and what is installed in it."""

    python: Path
    version: str
    prefix: Path
    base: Path
    """The executable that environments of it stand on."""
    pip_version: str
    pip_path: Path
    """The folder of pip's own code."""
    dists: tuple[Dist, ...]
    markers: Markers
    packages: tuple[Path, ...] = ()
    """The folders that it finds packages in, in its order."""

    @property
    def short_version(self) -> str:
        """``3.12``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def pip_release(self) -> tuple[int, ...]:
        """The version of its pip as numbers."""
        return release(self.pip_version)

    def bare_environment(self, root: Path) -> tuple[Path, Path]:
        """Makes a virtual environment of it without any package; its python, and its folder of packages."""
        base = Path(os.path.realpath(self.base))
        python, site = root / "bin" / "python", root / "lib" / f"python{self.short_version}" / "site-packages"
        site.mkdir(parents=True)
        python.parent.mkdir()
        python.symlink_to(base)
        settings = f"home = {base.parent}\ninclude-system-site-packages = false\n"
        (root / "pyvenv.cfg").write_text(settings, encoding="utf-8")
        return python, site


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``24.1b2`` is (24, 1); none of what is no version."""
    try:
        return Version(version).release
    except InvalidVersion:
        return ()


def examine(python: Path) -> Target:
    """What the interpreter is and has.

    Raises:
        InterpreterError: It doesn't start, or has no pip.
        PipTooOldError: Its pip can't resolve without installing.
    """
    facts = inventory(python)
    if facts["pip"] is None:
        raise InterpreterError(
            "The target Python has no pip.",
            evidence=[f"{python}: no module named pip"],
            hint=f"Install it: {python} -m ensurepip, or your system's python3-pip.",
        )
    if release(facts["pip"]["version"]) < OLDEST_PIP:
        raise PipTooOldError(
            "The target Python's pip can't resolve without installing.",
            evidence=[f"{python}: pip {facts['pip']['version']}, needs {'.'.join(map(str, OLDEST_PIP))}"],
        )
    return Target(
        python=python,
        version=facts["python"],
        prefix=Path(facts["prefix"]),
        base=Path(facts["base"]),
        pip_version=facts["pip"]["version"],
        pip_path=Path(facts["pip"]["path"]),
        dists=tuple(map(Dist.from_dict, facts["distributions"])),
        markers=tuple(map(tuple, facts["markers"])),
        packages=tuple(p for entry in facts["path"] if (p := Path(entry)).name in _PACKAGES and p.is_dir()),
    )
