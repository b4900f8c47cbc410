"""The interpreter asked about: what it is, what is installed in it, and what requirements mean to it.

Everything is asked of that interpreter itself, in a process of its own that writes nothing: not even bytecode.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.diagnosis.interpreter_process import Interpreter
from bootstrap.diagnosis.model import Dist
from bootstrap.errors import InterpreterError, PipTooOldError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    sites: tuple[Path, ...]
    """Where pip would install."""
    scripts: Path
    pip_version: str
    pip_path: Path
    """The folder of pip's own code."""
    dists: tuple[Dist, ...]
    packages: tuple[Path, ...] = ()
    """The folders that it finds packages in, in its order."""
    inside: Interpreter = field(kw_only=True, compare=False, repr=False)
    """Answers what only the interpreter itself can."""

    @property
    def short_version(self) -> str:
        """``3.12``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def pip_release(self) -> tuple[int, ...]:
        """The version of its pip as numbers."""
        return release(self.pip_version)


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``24.1b2`` is (24, 1)."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def find_python(python: Path | str | None) -> Path:
    """The interpreter meant: a path, a command's name, or the running one.

    Raises:
        InterpreterError: There is none.
    """
    if python is None:
        return Path(sys.executable)
    found = shutil.which(str(python))
    if found is None:
        raise InterpreterError("Python not found.", evidence=[f"{python}: missing or not executable"])
    return Path(found).absolute()


def examine(python: Path) -> Target:
    """What the interpreter is and has.

    Raises:
        InterpreterError: It doesn't start, or has no pip.
        PipTooOldError: Its pip can't resolve without installing.
    """
    inside = Interpreter(python)
    facts = inside.ask({"do": "inventory"})
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
        sites=tuple(dict.fromkeys(Path(site) for site in facts["sites"])),
        scripts=Path(facts["scripts"]),
        pip_version=facts["pip"]["version"],
        pip_path=Path(facts["pip"]["path"]),
        dists=tuple(map(Dist.from_dict, facts["distributions"])),
        inside=inside,
        packages=tuple(p for entry in facts["path"] if (p := Path(entry)).name in _PACKAGES and p.is_dir()),
    )


def read_requirements(inside: Interpreter, lines: Sequence[str]) -> list[dict[str, Any]]:
    """What each requirement means to the interpreter: its parts, or an ``error``."""
    answer: list[dict[str, Any]] = inside.ask({"do": "read", "lines": list(lines)}) if lines else []
    return answer


def meets(inside: Interpreter, requirements: Sequence[str], version: str) -> bool:
    """Whether a version is within the bounds of all these requirements."""
    return bool(inside.ask({"do": "meets", "lines": list(requirements), "version": version}))


def comparison(before: Iterable[Dist], after: Iterable[Dist], roots: Sequence[str], subject: str) -> dict[str, Any]:
    """One item for `analyse`."""
    return {
        "before": [d.to_dict() for d in before],
        "after": [d.to_dict() for d in after],
        "roots": list(roots),
        "subject": subject,
    }


def analyse(inside: Interpreter, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each planned set breaks, reaches and is forced to, by the interpreter's own markers."""
    answer: list[dict[str, Any]] = inside.ask({"do": "analyse", "items": list(items)}) if items else []
    return answer
