"""One restore at a time: a folder that is locked itself, so that no lock file is left lying about."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_POLL_SECONDS = 0.2


@contextmanager
def locked_folder(folder: Path, waiting: Callable[[], None], seconds: float = math.inf) -> Iterator[None]:
    """Holds a folder. It is made if missing, with those above it; what stayed empty of these is deleted afterwards.

    Args:
        folder: The folder.
        waiting: Called once if another process holds it.
        seconds: How long to wait for that.

    Raises:
        BlockingIOError: It is still held after that.
        OSError: It can't be made or written.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    descriptor = _hold(folder, waiting, time.monotonic() + seconds)
    try:
        yield
    finally:
        for one in made:
            with suppress(OSError):
                one.rmdir()
        os.close(descriptor)


def _hold(folder: Path, waiting: Callable[[], None], deadline: float) -> int:
    told = False
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with ExitStack() as stack:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    waiting()
                    told = True
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
                continue
            # Who held it before may have deleted it because it was empty.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), folder.stat()):
                    stack.pop_all()
                    return descriptor
