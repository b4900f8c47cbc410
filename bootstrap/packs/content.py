"""The bytes of a file that is here, or still on its way here: read anywhere, as soon as they are there.

What comes from an address is written to a file without a name, which is gone when nobody reads it any more. A
connection that breaks is taken up where it broke, if the server allows that, for as long as `Retries` does.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import stat
import tempfile
import threading
import time
import urllib.error
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlunsplit

from bootstrap.address import Subject, opened, split
from bootstrap.errors import (
    BootstrapError,
    ConnectionFailedError,
    DiskSpaceError,
    ServerError,
    SystemRefusedError,
)
from bootstrap.prefix.retry import Pace, Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_CHUNK = 1 << 20
_TRICKLE_SECONDS = 60.0
_AGAIN = (408, 425, 429)
"""Statuses that another try may change, beside those of a server's own fault."""


class Content:
    """A file's bytes.

    Args:
        descriptor: The file; it is closed with this.
        size: Bytes in all; None while that isn't known.
        digested: Compute the sha256 of the whole.
    """

    def __init__(self, descriptor: int, size: int | None, *, digested: bool) -> None:
        self.descriptor = descriptor
        self.size = size
        self._digested = digested
        self._digest = hashlib.sha256()
        self._state = threading.Condition()
        self._there = 0
        """Bytes that can be read."""
        self._done = False
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends whatever is under way."""
        self.abandon()
        os.close(self.descriptor)

    def abandon(self) -> None:
        """Has nobody wait any longer."""
        self._stopping.set()
        with self._state:
            self._state.notify_all()

    def allow(self, most: int) -> None:
        """Says how many bytes there may be: a server may send without an end."""

    def require(self, end: int) -> int:
        """Waits until the bytes before `end` can be read; gives how many can: fewer where the file ends before.

        Raises:
            BootstrapError: They can't be had.
        """
        with self._state:
            while not (self._there >= end or self._done or self._error or self._stopping.is_set()):
                self._state.wait()
            if self._there < end and self._error:
                raise self._error
            return min(end, self._there)

    def read(self, start: int, count: int) -> bytes:
        """Bytes from `start` on; fewer than `count` where the file ends before."""
        end = self.require(start + count)
        content = bytearray()
        while start + len(content) < end and (
            block := os.pread(self.descriptor, end - start - len(content), start + len(content))
        ):
            content += block
        return bytes(content)

    def sha256(self) -> str:
        """Of the whole, once it is there.

        Raises:
            BootstrapError: It can't be had.
        """
        if self._thread:
            self._thread.join()
        if self._error:
            raise self._error
        return self._digest.hexdigest()

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # whoever waits for the bytes raises it
                with self._state:
                    self._error = error
                    self._state.notify_all()
            else:
                with self._state:
                    self._done = True
                    self._state.notify_all()

        self._thread = threading.Thread(target=guarded, daemon=True)
        self._thread.start()


class LocalContent(Content):
    """A file on this machine.

    Args:
        path: The file.
        digested: Compute the sha256 of the whole, beside what else is done.

    Raises:
        OSError: It can't be read, or is no file.
    """

    def __init__(self, path: Path, *, digested: bool = False) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            os.close(descriptor)
            raise OSError(f"{path}: not a file")
        super().__init__(descriptor, info.st_size, digested=digested)
        self._there, self._done = info.st_size, True
        if digested:
            self._own = path.open("rb")
            self._start(self._read_all)

    def _read_all(self) -> None:
        with self._own as file:
            while not self._stopping.is_set() and (block := file.read(_CHUNK)):
                self._digest.update(block)


class FetchedContent(Content):
    """What is at an address, while it comes.

    Args:
        address: https, or http on loopback, without a ``#``.
        subject: What is fetched.
        folder: Where its bytes are put, in a file without a name.
        most: Bytes to take; then whoever reads has to `allow` more, or gets no more.
        digested: Compute the sha256 of the whole.
        retry_budget: Seconds in which faults of server and network are tried again.
        on_retry: Called with a fault and the seconds until the next attempt.

    Raises:
        BootstrapError: The subject's; the address may not be read.
    """

    def __init__(
        self,
        address: str,
        subject: Subject,
        folder: Path,
        *,
        most: int,
        digested: bool = False,
        retry_budget: float = 180.0,
        on_retry: Callable[[BootstrapError, float], None] | None = None,
    ) -> None:
        self._parts = split(address, subject)
        self._address = urlunsplit(self._parts)
        self._subject = subject
        self._budget = retry_budget
        self._most, self._last = most, False
        self._on_retry = on_retry or (lambda _error, _pause: None)
        self._mark = ""
        """What the server calls this very content: its ETag."""
        folder.mkdir(parents=True, exist_ok=True)
        # A thread that waits for a server may outlive the rest: it has a descriptor of its own.
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        super().__init__(os.dup(self._file.fileno()), None, digested=digested)
        self._start(self._fetch)

    def allow(self, most: int) -> None:
        """Has it go on until there are so many bytes, and end there."""
        with self._state:
            self._most, self._last = most, True
            self._state.notify_all()

    def _fetch(self) -> None:
        with self._file:
            self._fetch_all()

    def _fetch_all(self) -> None:
        retries, began = Retries(self._budget), 0
        while not self._stopping.is_set():
            try:
                self._go_on()
                return
            except urllib.error.HTTPError as error:
                said = f"{self._address}: {error.code} {error.reason}"
                fault: BootstrapError = ServerError("The server returned an error.", evidence=[said])
                if error.code < 500 and error.code not in _AGAIN:
                    raise self._failed(fault) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = getattr(error, "reason", None) or error
                said = f"{self._address}: {type(error).__name__}: {reason}"
                fault = ConnectionFailedError("The connection failed.", evidence=[said])
            except ConnectionFailedError as error:
                fault = error
            if self._there - began > _CHUNK:
                retries, began = Retries(self._budget), self._there
            retries.heard = retries.heard or self._there > 0
            pause = retries.pause_after(fault, time.monotonic())
            if pause is None:
                raise self._failed(fault)
            self._on_retry(fault, pause)
            self._stopping.wait(pause)

    def _failed(self, fault: BootstrapError) -> BootstrapError:
        return self._subject.failed(f"Can't download the {self._subject.noun}.", evidence=fault.evidence)

    def _go_on(self) -> None:
        """One connection's worth: from what is there already to the end."""
        more = {"Range": f"bytes={self._there}-", **({"If-Range": self._mark} if self._mark else {})}
        with opened(self._parts, self._subject, more if self._there else None) as answer:
            position = self._begin(answer)
            pace = Pace(_TRICKLE_SECONDS, time.monotonic())
            while not self._stopping.is_set():
                block = answer.read1(_CHUNK)
                if not block:
                    break
                new = block[max(0, self._there - position) :]
                if new:
                    self._keep(new)
                position += len(block)
                with self._state:
                    self._there = max(self._there, position)
                    self._state.notify_all()
                if self._is_too_much():
                    return
                pace.hear({"event": "bytes", "done": position}, time.monotonic())
                if slow := pace.trickles(time.monotonic()):
                    raise ConnectionFailedError("The download stalled.", evidence=[f"{self._address}: {slow}"])
            if self.size is not None and position < self.size and not self._stopping.is_set():
                said = f"{self._address}: {position} of {self.size} bytes"
                raise ConnectionFailedError("The connection ended early.", evidence=[said])

    def _is_too_much(self) -> bool:
        """Whether there is more than may be, once that is known."""
        with self._state:
            while self._there > self._most and not (self._last or self._stopping.is_set()):
                self._state.wait()
            return self._there > self._most

    def _keep(self, block: bytes) -> None:
        try:
            os.pwrite(self._file.fileno(), block, self._there)
        except OSError as error:
            evidence = [f"while {self._address} came: {error}"]
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskSpaceError("The disk filled up.", evidence=evidence) from None
            raise SystemRefusedError("The operating system reported an error.", evidence=evidence) from None
        if self._digested:
            self._digest.update(block)

    def _begin(self, answer: http.client.HTTPResponse) -> int:
        """Where an answer begins, by its headers: at nothing, where the server doesn't give parts of a file."""
        position, size = 0, None
        if answer.status == 206:
            content_range = answer.headers.get("Content-Range", "")
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range)
            if not match or int(match[1]) > self._there:
                raise ConnectionFailedError(
                    "The server sent another part.", evidence=[f"{self._address}: {content_range}"]
                )
            position = int(match[1])
            size = int(match[2]) if match[2] != "*" else None
        elif (length := answer.headers.get("Content-Length", "")).isdecimal():
            size = int(length)
        mark = answer.headers.get("ETag", "")
        if self._there and (
            (mark and self._mark and mark != self._mark) or (self.size is not None and size not in (None, self.size))
        ):
            detail = f"{self._address}: its size or ETag is another than before"
            raise self._subject.failed(f"The {self._subject.noun} was replaced while it came.", evidence=[detail])
        # A weak mark is no ground to go on from.
        self._mark = "" if mark.startswith("W/") else mark
        self.size = size if self.size is None else self.size
        return position


def content_at(
    name: str,
    subject: Subject,
    folder: Path,
    *,
    most: int,
    digested: bool = False,
    on_retry: Callable[[BootstrapError, float], None] | None = None,
) -> Content:
    """The bytes of a file by its path or its address; see `FetchedContent`.

    Raises:
        BootstrapError: The subject's; the address may not be read.
        OSError: A local file can't be read.
    """
    if "://" in name:
        parts = split(name, subject)
        if parts.scheme != "file":
            return FetchedContent(name, subject, folder, most=most, digested=digested, on_retry=on_retry)
        return LocalContent(Path(unquote(parts.path)), digested=digested)
    return LocalContent(Path(name).expanduser(), digested=digested)
