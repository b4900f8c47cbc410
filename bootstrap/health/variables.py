"""The variables that decide for an interpreter: those that its kernel has, or would be given."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROC = Path("/proc")
_SPECIFICATIONS = "share/jupyter/kernels/*/kernel.json"


def runtime_variables(python: Path) -> tuple[Mapping[str, str], str]:
    """The variables under which notebooks run in an interpreter, and a few words on where they come from.

    Those of its running kernel, of several the youngest; else those of this process, as a shell would hand them on,
    with what a kernel specification of that interpreter adds.

    Args:
        python: The interpreter.

    Returns:
        The variables, and "" in the place of the words where they are this process's own.
    """
    kernels = [pid for pid in map(_number, _PROC.glob("[0-9]*/cmdline")) if _is_kernel(pid, python)]
    forebears = set(_line_of(os.getpid()))
    for pid in sorted(kernels, key=lambda pid: int(_stat(pid, 19)), reverse=True):
        if pid in forebears:
            return os.environ, ""  # this process has them from that kernel, with what cells have set since
        if found := dict(_environment(pid)):
            return found, f"in the running kernel, process {pid}"
    for path in _specifications(python):
        if added := _added(path, python):
            return {**os.environ, **added}, f"by {path}, or in this shell"
    return os.environ, ""


def _number(path: Path) -> int:
    return int(path.parent.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stat(pid: int, field: int) -> str:
    """A field of a process's state, from 0 behind its name; "0" where there is none."""
    fields = _read(_PROC / str(pid) / "stat").rpartition(b")")[2].split()
    return fields[field].decode() if len(fields) > field else "0"


def _line_of(pid: int) -> Iterator[int]:
    """A process and its forebears."""
    while pid > 0:
        yield pid
        pid = int(_stat(pid, 1))


def _same(name: str, python: Path) -> bool:
    """Whether a command's first word is this interpreter: a link in another folder is another environment's."""
    return os.path.dirname(name) == str(python.parent) and os.path.realpath(name) == os.path.realpath(python)  # noqa: PTH120 (text)


def _is_kernel(pid: int, python: Path) -> bool:
    words = _read(_PROC / str(pid) / "cmdline").decode(errors="replace").split("\0")
    return (
        "-f" in words and any("kernel" in word for word in words[1 : words.index("-f")]) and _same(words[0], python)
    )


def _environment(pid: int) -> Iterator[tuple[str, str]]:
    for item in _read(_PROC / str(pid) / "environ").split(b"\0"):
        name, sign, value = item.partition(b"=")
        if name and sign:
            yield os.fsdecode(name), os.fsdecode(value)


def _specifications(python: Path) -> Iterator[Path]:
    """Jupyter's kernel specifications, the environment's own first."""
    data = os.environ.get("JUPYTER_DATA_DIR") or Path.home() / ".local/share/jupyter"
    yield from sorted(python.parents[1].glob(_SPECIFICATIONS))
    yield from sorted(Path(data).glob("kernels/*/kernel.json"))
    yield from sorted(Path("/usr/local").glob(_SPECIFICATIONS))


def _added(path: Path, python: Path) -> dict[str, str]:
    """What a specification of this interpreter's kernel sets, with other variables' values filled in."""
    try:
        told: Any = json.loads(_read(path))
        first, added = str(told["argv"][0]), told.get("env", {})
        # ipykernel names its interpreter "python" in a specification that it brings itself.
        own = os.sep not in first and path.is_relative_to(python.parents[1])
        if not own and not _same(first, python):
            return {}
        return {str(name): os.path.expandvars(str(value)) for name, value in added.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}
