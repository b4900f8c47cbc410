"""Temporary folders that don't outlive their makers: what a killed run left, the next one removes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "condacolab-bootstrap-scratch-"
_MARK = ".in-use"
_TEXT = b"A temporary folder of condacolab-bootstrap. It is in use while this file is locked.\n"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files, deleted at the end; others that nobody uses any more are deleted first."""
    with _alone() as alone:
        for left in _abandoned():
            shutil.rmtree(left, ignore_errors=True)
        if alone:
            for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
                with suppress(OSError):  # killed before it had a mark, it is empty; all others have something in them
                    path.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder / _MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # a file system without locks: then nobody else will take it for abandoned
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, _TEXT)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process is about to make such a folder; nobody is waited for."""
    descriptor = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _abandoned() -> Iterator[Path]:
    """Folders of this user that carry our mark, or nothing yet, and which no process holds locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            descriptor = os.open(folder / _MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                text = os.read(descriptor, len(_TEXT))
                # Killed before it was written there is nothing else.
                if text == _TEXT or (not text and os.listdir(folder) == [_MARK]):  # noqa: PTH208 (names)
                    yield folder
            finally:
                os.close(descriptor)
