"""The surroundings that decide for an interpreter: those that its kernel has, or would be given."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SPECIFICATIONS = "share/jupyter/kernels/*/kernel.json"


@dataclass(frozen=True)
class Surroundings:
    """What notebooks run with in an interpreter."""

    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    told_by: str = ""
    """Where the variables come from, in words; empty where they are this process's own."""
    folder: Path = field(default_factory=Path.cwd)
    """The working folder, which Python searches first."""
    kernel: int = 0
    """The process whose that folder is, where it isn't this one's."""

    @property
    def folder_of(self) -> tuple[str, ...]:
        """Whose the working folder is, as evidence; nothing where it is this process's own."""
        return (f"the working folder of the running kernel, process {self.kernel}",) if self.kernel else ()


def surroundings(python: Path) -> Surroundings:
    """What notebooks run with in an interpreter.

    That of its running kernel, of several the youngest; else this process's own, as a shell would hand it on, with
    the variables that a kernel specification of that interpreter adds.

    Args:
        python: The interpreter.
    """
    kernels = [
        pid for pid in processes.running() if processes.is_kernel(pid) and _same(processes.words(pid)[0], python)
    ]
    forebears = set(processes.forebears(os.getpid()))
    for pid in sorted(kernels, key=lambda pid: int(processes.stat(pid, 19)), reverse=True):
        there = processes.folder(pid)
        folder, kernel = (there, pid) if there else (Path.cwd(), 0)
        if pid in forebears:
            return Surroundings(
                folder=folder, kernel=kernel
            )  # its variables are here, with what cells have set since
        if variables := processes.variables(pid):
            return Surroundings(variables, f"in the running kernel, process {pid}", folder, kernel)
    for path in _specifications(python):
        if added := _added(path, python):
            return Surroundings({**os.environ, **added}, f"by {path}, or in this shell")
    return Surroundings()


def _same(name: str, python: Path) -> bool:
    """Whether a command's first word is this interpreter: a link in another folder is another environment's."""
    return os.path.dirname(name) == str(python.parent) and os.path.realpath(name) == os.path.realpath(python)  # noqa: PTH120 (text)


def _specifications(python: Path) -> Iterator[Path]:
    """Jupyter's kernel specifications, the environment's own first."""
    data = os.environ.get("JUPYTER_DATA_DIR") or Path.home() / ".local/share/jupyter"
    yield from sorted(python.parents[1].glob(_SPECIFICATIONS))
    yield from sorted(Path(data).glob("kernels/*/kernel.json"))
    yield from sorted(Path("/usr/local").glob(_SPECIFICATIONS))


def _added(path: Path, python: Path) -> dict[str, str]:
    """What a specification of this interpreter's kernel sets, with other variables' values filled in."""
    try:
        told: Any = json.loads(path.read_bytes())
        first, added = str(told["argv"][0]), told.get("env", {})
        # ipykernel names its interpreter "python" in a specification that it brings itself.
        own = os.sep not in first and path.is_relative_to(python.parents[1])
        if not own and not _same(first, python):
            return {}
        return {str(name): os.path.expandvars(str(value)) for name, value in added.items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}
