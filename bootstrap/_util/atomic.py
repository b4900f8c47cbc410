"""Files that are replaced in one step: at every moment there is the old one or the new one, whole."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def name_beside(path: Path) -> Path:
    """Where a file's next content is written first: always the same, so that what a killed run left is found."""
    return path.with_name(f".{path.name}.condacolab-bootstrap-new")


def cleared_beside(path: Path) -> Path:
    """Removes what a killed run left at `name_beside`, and returns that name."""
    beside = name_beside(path)
    beside.unlink(missing_ok=True)
    return beside


@contextmanager
def replacing(path: Path, *, shared: bool = False, durable: bool = True) -> Iterator[Path]:
    """A name in a file's folder (made if missing), which becomes the file at the end, or is removed on an error.

    Args:
        path: The file, or link.
        shared: Several processes or threads may write it at once: each has a name of its own.
        durable: The content is on the disk before the name changes, and survives a power cut.

    Raises:
        OSError: It can't be written; the file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f".{path.name}.{os.getpid()}.{threading.get_ident()}"
    beside = path.with_name(own) if shared else cleared_beside(path)
    try:
        yield beside
        if durable and not beside.is_symlink():
            sync(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_atomically(
    path: Path, content: str | bytes, *, mode: int | None = None, shared: bool = False, durable: bool = True
) -> None:
    """Writes a file as `replacing` does; text as UTF-8.

    Args:
        path: The file.
        content: What it will hold.
        mode: Its permissions; those of any new file by default.
        shared: As in `replacing`.
        durable: As in `replacing`.

    Raises:
        OSError: It can't be written; the file is as it was.
    """
    with replacing(path, shared=shared, durable=durable) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        if mode is not None:
            beside.chmod(mode)


def sync(path: Path) -> None:
    """Waits until a file's content, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
