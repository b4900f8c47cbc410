"""Copies an environment by links, and finds what was written into it afterwards.

A restore works on the copy. What others write into the environment meanwhile (a pip that runs on, say) is carried
over before and after the two change places.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from bootstrap.prefix.paths import ASIDE, META_DIR
from bootstrap.prefix.tree import status, walk

if TYPE_CHECKING:
    from collections.abc import Collection

Seen = dict[str, "tuple[int, int, int] | None"]
"""Paths below a folder, with inode, time in nanoseconds and size; None for folders."""

_BESIDE = ".condacolab-bootstrap"
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


def look(folder: str) -> Seen:
    """Everything below a folder."""
    return {path: _mark(info) for path, info in walk(folder)}


def clone(source: str, target: str) -> Seen:
    """Makes a copy that shares its files, the records excepted: they are rewritten in place.

    Args:
        source: An environment.
        target: A new folder; its conda-meta is there already, or lies in memory.

    Returns:
        What was seen of the source; what comes and goes during the work is in the copy or not.
    """
    seen: Seen = {}
    folders: list[str] = []
    for path, info in walk(source):
        seen[path] = _mark(info)
        try:
            if stat.S_ISDIR(info.st_mode):
                folders.append(path)
                if path != META_DIR:
                    os.mkdir(f"{target}/{path}", 0o700)
            elif path.startswith(f"{META_DIR}/"):
                # Of a link its content, where it has any: what is written into the copy must not lead elsewhere.
                copy(f"{source}/{path}", f"{target}/{path}", follow=os.path.isfile(f"{source}/{path}"))
            else:
                _link(f"{source}/{path}", f"{target}/{path}")
        except FileNotFoundError:
            del seen[path]
    for path in reversed(["", *folders]):
        with suppress(FileNotFoundError):
            like(f"{source}/{path}", f"{target}/{path}")
    return seen


def carry_over(before: Seen, source: str, target: str, owned: Collection[str]) -> tuple[Seen, list[str]]:
    """Brings what has come to a folder since it was looked at into another one.

    Args:
        before: What was seen then.
        source: The folder.
        target: What stands for it, or will.
        owned: Paths there that are packages'; what was written to these is set aside, and what was written in both
            folders. Compiled modules are left out: Python recreates them.

    Returns:
        What is there now, and the paths of what was set aside.
    """
    now = look(source)
    aside: list[str] = []
    for path, mark in now.items():
        if path in before and (before[path] == mark or mark is None):
            continue
        if path.endswith(".pyc") and "__pycache__" in path:
            continue
        there = status(f"{target}/{path}")
        if mark is None:
            if there is None:
                with suppress(OSError):
                    os.mkdir(f"{target}/{path}", 0o700)
                    like(f"{source}/{path}", f"{target}/{path}")
        elif there is None or there.st_ino != mark[0]:
            # Where the other one has changed as well, that is kept.
            free = path not in owned and (there is None or _is_as(there, before.get(path)))
            with suppress(FileNotFoundError):
                if not free or not _put(f"{source}/{path}", f"{target}/{path}"):
                    _put_aside(f"{source}/{path}", target, path)
                    aside.append(path)
    for path in before.keys() - now.keys():
        mark, there = before[path], status(f"{target}/{path}")
        if mark and there and there.st_ino == mark[0] and path not in owned:
            os.unlink(f"{target}/{path}")
            with suppress(OSError):
                os.removedirs(os.path.dirname(f"{target}/{path}"))
    return now, aside


def like(source: str, target: str) -> None:
    """Gives a file or folder the mode, times and owner of another."""
    info = os.lstat(source)
    if (info.st_uid, info.st_gid) != ((own := os.lstat(target)).st_uid, own.st_gid):
        with suppress(PermissionError):
            os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)


def copy(source: str, target: str, *, follow: bool = False) -> None:
    """Copies a file, or a link as one unless it is to be followed, with mode, times and owner."""
    shutil.copyfile(source, target, follow_symlinks=follow)
    like(os.path.realpath(source) if follow else source, target)


def _mark(info: os.stat_result) -> tuple[int, int, int] | None:
    return None if stat.S_ISDIR(info.st_mode) else (info.st_ino, info.st_mtime_ns, info.st_size)


def _is_as(info: os.stat_result, seen: tuple[int, int, int] | None) -> bool:
    """Whether a file is what was seen, or a copy of that."""
    return seen is not None and stat.S_ISREG(info.st_mode) and (info.st_mtime_ns, info.st_size) == seen[1:]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        copy(source, target)


def _put(source: str, target: str) -> bool:
    """Puts a file in a place where a file may be; False where a folder is, or none can be."""
    beside = f"{target}{_BESIDE}"
    try:
        _link(source, beside)
    except FileExistsError:
        if not _same(source, beside):
            return False
    except (NotADirectoryError, FileNotFoundError):
        return False
    try:
        os.replace(beside, target)
    except IsADirectoryError:
        return False
    finally:
        # There is nothing left of it but where it was refused, or was in its place already.
        with suppress(OSError):
            os.unlink(beside)
    return True


def _put_aside(source: str, target: str, path: str) -> None:
    with suppress(OSError):
        if _same(source, beside := f"{target}/{path}{_BESIDE}"):
            os.unlink(beside)
    for number in count(1):
        goal = f"{target}/{ASIDE}{'' if number == 1 else f'.{number}'}/{path}"
        with suppress(FileExistsError, NotADirectoryError):
            os.makedirs(os.path.dirname(goal), 0o755, exist_ok=True)
            if os.path.lexists(goal) and not _same(source, goal):
                continue
            if not os.path.lexists(goal):
                _link(source, goal)
            break


def _same(one: str, other: str) -> bool:
    """Whether one is a link to the other, such as a killed run has made."""
    return os.path.samestat(os.lstat(one), os.lstat(other))
