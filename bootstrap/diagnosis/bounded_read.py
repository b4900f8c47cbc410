"""Files that somebody else names, read without waiting for ever and without filling the memory."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 100_000_000
"""Notebooks hold their pictures; what is larger than this is none that was meant."""


def read_bytes(path: Path | str) -> bytes:
    """A regular file's content.

    Raises:
        OSError: It can't be read, isn't a regular file (a pipe, a device), or is too large.
    """
    try:
        # Opening a pipe waits for its other end, unless told not to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, str(error)) from error
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor
        state = os.fstat(descriptor)
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if state.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"{state.st_size} bytes, over the limit of {LARGEST}")
        return stream.read(LARGEST)
