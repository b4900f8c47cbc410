"""Builds a prefix beside its place and puts it there in one step.

The folder that holds the prefix is locked meanwhile. Whatever a killed run left is put right by the next one
before it begins: the environment that was in place is in place again, and the rest is deleted.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bootstrap.errors import PrefixBusyError, PrefixNotWritableError
from bootstrap.prefix import memory
from bootstrap.prefix.records import META_DIR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

WAIT_SECONDS = 900.0
_POLL_SECONDS = 0.2
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


class Staging:
    """The places around one prefix. Use it inside `hold`."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.stage = prefix.with_name(f".{prefix.name}.stage-{os.getpid()}")
        self._old = prefix.with_name(f".{prefix.name}.old-{os.getpid()}")

    def recover(self) -> None:
        """Puts right what a killed run left: nobody else can be at work, since the folder is locked."""
        olds = sorted(self.prefix.parent.glob(f".{self.prefix.name}.old-*"))
        if olds and not self.prefix.exists():
            olds.pop().rename(self.prefix)
        for leftover in [*olds, *self.prefix.parent.glob(f".{self.prefix.name}.stage-*")]:
            _delete(leftover)

    def begin(self, *, clone: bool) -> Path:
        """Makes the stage: empty, or a copy of the prefix that shares its files by hard links.

        Its records lie in memory until `finish`.
        """
        if not clone:
            try:
                self.stage.mkdir()
            except FileNotFoundError as error:  # /proc and its like, which allow no folders
                raise _not_writable(self.prefix.parent, error) from error
            memory.lend(self.stage / META_DIR)
            return self.stage
        shutil.copytree(self.prefix, self.stage, symlinks=True, copy_function=_link_or_copy)
        # The records are rewritten in place, so they are the one thing that must not be shared.
        meta = self.stage / META_DIR
        shutil.rmtree(meta)
        memory.lend(meta)
        shutil.copytree(self.prefix / META_DIR, meta, dirs_exist_ok=True)
        return self.stage

    def finish(self, texts: Mapping[str, str]) -> None:
        """Puts the records beside the files that they are about; those named with a new text."""
        memory.bring_back(self.stage / META_DIR, texts)

    def switch(self) -> None:
        """Puts the stage in the prefix's place, and deletes what was there."""
        if not self.prefix.exists() or not any(self.prefix.iterdir()):
            self.stage.rename(self.prefix)
            return
        if not _exchange(self.stage, self.prefix):
            self.prefix.rename(self._old)
            self.stage.rename(self.prefix)

    def clean(self) -> None:
        """Deletes what is no longer needed."""
        for leftover in (self.stage, self._old):
            _delete(leftover)


def _delete(stage: Path) -> None:
    memory.forget(stage / META_DIR)
    shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def hold(prefix: Path, *, waiting: Callable[[], None], wait_seconds: float = WAIT_SECONDS) -> Iterator[Staging]:
    """Holds the prefix for one restore.

    Args:
        prefix: An absolute path; the folders above it are made.
        waiting: Called once if another restore holds it.
        wait_seconds: How long to wait for that.

    Raises:
        PrefixBusyError: It is still held after that.
        PrefixNotWritableError: The folder that should hold it can't be made or written.
    """
    parent = prefix.parent
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_writable(parent, error) from error
    try:
        _lock(descriptor, prefix, waiting, wait_seconds)
        staging = Staging(prefix)
        staging.recover()
        try:
            yield staging
        finally:
            staging.clean()
    finally:
        os.close(descriptor)
        if not prefix.exists():
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()


def _not_writable(folder: Path, error: OSError) -> PrefixNotWritableError:
    return PrefixNotWritableError(
        "The folder that should hold the prefix can't be written.", evidence=[f"{folder}: {error.strerror}"]
    )


def _lock(descriptor: int, prefix: Path, waiting: Callable[[], None], wait_seconds: float) -> None:
    """Locks the folder itself, so that no lock file is left lying about."""
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                waiting()
                told = True
            if time.monotonic() > deadline:
                raise PrefixBusyError(
                    "Another restore is at work on this prefix.",
                    evidence=[f"{prefix}: still held after {wait_seconds:.0f} s"],
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where the kernel or file system can't."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done: int = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
