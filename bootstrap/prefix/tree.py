"""What is below a folder, which others may be changing. It imports nothing but the standard library."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below a folder, a folder before what it holds; what vanishes meanwhile is left out."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                listed = list(entries)
        except FileNotFoundError:
            continue
        for entry in listed:
            try:
                info = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(info.st_mode):
                waiting.append(entry.path)
            yield entry.path[len(folder) + 1 :], info


def status(path: str) -> os.stat_result | None:
    """The status of a file or link; None where there is none that can be reached."""
    try:
        return os.lstat(path)
    except OSError:
        return None
