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
"""A file that says whose folder it is. The folder is in use while it is locked."""
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files, deleted at the end; others that nobody uses any more are deleted first."""
    sweep()
    folder, descriptor = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _make() -> tuple[Path, int]:
    """A new folder, and the descriptor that has it locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Until it is locked, another process may take it for abandoned, and delete it.
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, _FLAGS)
            try:
                with suppress(OSError):  # a file system without locks: then nobody else will take it for abandoned
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                (folder / _MARK).touch(mode=0o600)
            except BaseException:
                os.close(descriptor)
                raise
            return folder, descriptor


def sweep() -> None:
    """Deletes the folders of this user that carry our mark, or nothing yet, and that no process holds locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder, _FLAGS)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                names = os.listdir(descriptor)  # noqa: PTH208 (of what is locked, whatever has its name now)
                if os.fstat(descriptor).st_uid == os.geteuid() and (_MARK in names or not names):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
