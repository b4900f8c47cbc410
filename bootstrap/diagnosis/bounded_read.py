"""Files and addresses that somebody else names, read without waiting for ever and without filling the memory."""

from __future__ import annotations

import errno
import http.client
import os
import stat
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SILENT_SECONDS = 30.0
_TRIES = 3
_AGENT = "condacolab-bootstrap"

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


def fetch(
    url: str, headers: Mapping[str, str] | None = None, *, most: int = LARGEST, seconds: float = 600.0
) -> tuple[bytes, Mapping[str, str]]:
    """What an address holds, or the part of it that a Range header asks for, and the answer's headers.

    Args:
        url: The address.
        headers: Of the request.
        most: So many bytes at most.
        seconds: So long at most, with a second and a third try where the server fails.

    Raises:
        OSError: It can't be fetched; urllib's HTTPError for an answer that says so.
    """
    ends = time.monotonic() + seconds
    for attempt in range(1, _TRIES + 1):
        try:
            request = urllib.request.Request(url, headers={"User-Agent": _AGENT, **(headers or {})})  # noqa: S310
            with urllib.request.urlopen(request, timeout=min(seconds, _SILENT_SECONDS)) as answer:  # noqa: S310
                data = bytearray()
                while part := answer.read1(1 << 16):
                    data += part
                    if len(data) > most:
                        raise OSError(errno.EFBIG, f"over the limit of {most} bytes")
                    if time.monotonic() > ends:
                        raise TimeoutError(errno.ETIMEDOUT, f"timed out after {seconds:.0f} s")
                if getattr(answer, "length", None):
                    raise OSError(errno.EIO, "the answer was cut short")
                return bytes(data), answer.headers
        except (ValueError, http.client.HTTPException) as error:  # no address; what answers doesn't speak HTTP
            raise OSError(errno.EINVAL, str(error) or type(error).__name__) from error
        except OSError as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
            final = refused or error.errno == errno.EFBIG or url.startswith("file:")
            if final or attempt == _TRIES or time.monotonic() > ends:
                raise
        time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")
