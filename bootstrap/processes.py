"""What ``/proc`` tells of processes; of one that is gone, or another user's, nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")


def running() -> list[int]:
    """The ids of all processes."""
    return [int(path.name) for path in PROC.glob("[0-9]*")]


def stat(pid: int | str, field: int) -> str:
    """A field of a process's state, counted from 0 behind its name; "0" where there is none."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return fields[field].decode() if len(fields) > field else "0"


def began(pid: int | str = "self") -> float:
    """When a process began, in seconds since 1970; 0 where that can't be told."""
    try:
        uptime = float((PROC / "uptime").read_bytes().split()[0])
    except (OSError, IndexError, ValueError):
        return 0.0
    ticks = int(stat(pid, 19))
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def forebears(pid: int) -> Iterator[int]:
    """A process and those above it, the nearest first."""
    while pid > 0:
        yield pid
        pid = int(stat(pid, 1))


def words(pid: int) -> list[str]:
    """The words of a process's command."""
    return _read(pid, "cmdline").decode(errors="surrogateescape").split("\0")[:-1]


def program(pid: int) -> str:
    """The path of the program that a process runs, as it was before it was deleted."""
    try:
        return os.readlink(PROC / str(pid) / "exe").removesuffix(" (deleted)")  # noqa: PTH115 - no path any more
    except OSError:
        return ""


def is_kernel(pid: int) -> bool:
    """Whether a process is a notebook's kernel, by its command."""
    arguments = words(pid)
    return "-f" in arguments and any("kernel" in word for word in arguments[1 : arguments.index("-f")])


def variables(pid: int) -> dict[str, str]:
    """The variables with which a process was started."""
    items = (item.partition(b"=") for item in _read(pid, "environ").split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, sign, value in items if name and sign}


def folder(pid: int) -> Path | None:
    """A process's working folder."""
    try:
        cwd = (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None
    return cwd if cwd.is_dir() else None


def _read(pid: int | str, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""
