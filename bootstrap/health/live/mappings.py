"""Is the library in memory the file that now lies at its path?

Device and inode answer at once where they agree. Where they don't (the file was replaced, or the process runs on
an overlay, where the two may differ for one and the same file), the program text in memory is compared with the
file's bytes: text is never written to, so it stays what it was when the library was loaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

State = Literal["same", "equal", "replaced", "removed"]
"""The very file; another file of the same content; another file; none."""

_DELETED = " (deleted)"
_COMPARED = 256 * 2**20
"""Bytes of text that are compared at most, which is more than any library of numpy has."""


@dataclass(frozen=True)
class Mapping:
    """One executable part of a library in memory."""

    start: int
    end: int
    offset: int
    """Where in the file it begins."""
    device: tuple[int, int]
    inode: int
    path: str
    """Without the kernel's mark for deleted files."""
    deleted: bool

    @property
    def name(self) -> str:
        """The library's file name."""
        return os.path.basename(self.path)


def read_mappings(text: str | None = None) -> list[Mapping]:
    """The executable mappings of shared libraries in this process, from ``/proc/self/maps``.

    Args:
        text: The content of such a file, instead of this process's own.
    """
    if text is None:
        try:
            text = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return []
    mappings = []
    for line in text.splitlines():
        fields = line.split(None, 5)
        if len(fields) < 6 or "x" not in fields[1] or ".so" not in fields[5]:
            continue
        path = fields[5]
        major, _, minor = fields[3].partition(":")
        start, _, end = fields[0].partition("-")
        mappings.append(
            Mapping(
                start=int(start, 16),
                end=int(end, 16),
                offset=int(fields[2], 16),
                device=(int(major, 16), int(minor, 16)),
                inode=int(fields[4]),
                path=path.removesuffix(_DELETED),
                deleted=path.endswith(_DELETED),
            )
        )
    return mappings


def state_of(path: str, mappings: Iterable[Mapping]) -> State | None:
    """Whether a library in memory is the file at a path; None where no such library is in memory.

    Args:
        path: Where the library was loaded from.
        mappings: Of this process.
    """
    name = os.path.basename(path)
    real = os.path.realpath(path)
    here = [m for m in mappings if m.path in (path, real) and not m.deleted]
    # An uninstaller moves files aside before it deletes them: then only the name is left of the path.
    gone = [m for m in mappings if m.deleted and m.name == name]
    try:
        info = os.stat(real)
    except OSError:
        return "removed" if here or gone else None
    device = (os.major(info.st_dev), os.minor(info.st_dev))
    if any(m.inode == info.st_ino and m.device == device for m in here):
        return "same"
    if not here and not gone:
        return None
    return "equal" if any(_same_text(m, real) for m in [*here, *gone]) else "replaced"


def _same_text(mapping: Mapping, path: str) -> bool:
    """Whether the text in memory is the text of the file, as far as it is compared."""
    length = min(mapping.end - mapping.start, _COMPARED)
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory, open(path, "rb", buffering=0) as file:
            memory.seek(mapping.start)
            file.seek(mapping.offset)
            held, there = memory.read(length), file.read(length)
    except (OSError, OverflowError, ValueError):
        return False
    # Beyond the file's end a mapping is filled with zeros.
    return bool(there) and held[: len(there)] == there and not any(held[len(there) :])
