"""Temporary folders that don't outlive their makers: what a killed run left, the next one removes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "condacolab-bootstrap-scratch-"
_MARK = ".in-use"
_TEXT = b"A temporary folder of condacolab-bootstrap. It is in use while this file is locked.\n"
_SECONDS = 5.0  # to wait while another process deletes


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files, deleted at the end; others that nobody uses any more are deleted first."""
    sweep()
    # Nobody deletes half-made folders while this lock is shared. Who keeps it from us for long isn't one of ours, and
    # keeps it from them as well.
    with _locked(fcntl.LOCK_SH, _SECONDS):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder / _MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # a file system without locks: then nobody else will take it for abandoned
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, _TEXT)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sweep() -> None:
    """Deletes the folders of this user that carry our mark and which no process holds locked."""
    # Whoever was killed before the mark was written left a folder with nothing in it. It looks like one that is being
    # made, and only who holds this lock alone knows that there is none of those.
    with _locked(fcntl.LOCK_EX) as alone:
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                    continue
                if alone and not os.listdir(folder):  # noqa: PTH208 (names)
                    folder.rmdir()
                elif _abandoned(folder, alone):
                    shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path, alone: bool) -> bool:
    descriptor = os.open(folder / _MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        text = os.read(descriptor, len(_TEXT))
        return text == _TEXT or (alone and not text and os.listdir(folder) == [_MARK])  # noqa: PTH208 (names)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(operation: int, seconds: float = 0.0) -> Iterator[bool]:
    """Whether the folder for temporary files could be locked within `seconds`."""
    descriptor = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.005)
                    continue
                yield False
            except OSError:
                yield False
            else:
                yield True
            return
    finally:
        os.close(descriptor)
