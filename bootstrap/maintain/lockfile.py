"""The text of a lock: what is added to conda-lock's own, and how it gets to its place."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from bootstrap._util.atomic import cleared_beside, sync
from bootstrap.errors import LockNotWritableError
from bootstrap.maintain.condalock import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bootstrap.maintain.variant import LockVariant

_SHA256 = re.compile(r"^(?P<field>\s+sha256:\s*(?P<quote>['\"]?)(?P<digest>[0-9a-f]{64})(?P=quote))\s*(?:#.*)?$")


def annotate(text: str, *, variant: LockVariant, sizes: Mapping[str, int]) -> str:
    """conda-lock's text with this project's head, and each archive's size as a comment beside its sha256.

    Args:
        text: As conda-lock wrote it.
        variant: Which lock it is.
        sizes: Bytes of the archives by sha256; one that is absent gets no comment.
    """
    lines = text.splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        lines.pop(0)
    return "\n".join([*_head(variant), *(_sized(line, sizes) for line in lines)]) + "\n"


def _head(variant: LockVariant) -> list[str]:
    return [
        f"# The locked environment, for {variant.title}. Written by `bootstrap lock` with conda-lock {SUPPORTED}.",
        "# Don't edit it by hand: `bootstrap lock` solves it anew from environment.yml, and",
        "# `bootstrap lock --update NAME` moves one package and as little else as possible.",
        "# A size beside a sha256 is the archive's, in bytes, where its channel states it.",
    ]


def _sized(line: str, sizes: Mapping[str, int]) -> str:
    hashed = _SHA256.match(line)
    size = sizes.get(hashed["digest"]) if hashed else None
    return f"{hashed['field']}  # size: {size}" if hashed and size is not None else line


def make_folder(folder: Path) -> None:
    """Makes sure, before the long work, that there is a folder to write into.

    Raises:
        LockNotWritableError: There can't be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LockNotWritableError(
            f"Can't create the output folder: {error.strerror}.", evidence=[str(folder)]
        ) from error
    if not os.access(folder, os.W_OK):
        raise LockNotWritableError("The folder isn't writable.", evidence=[str(folder)])


def place(texts: Mapping[Path, str]) -> None:
    """Writes files beside their places first, then renames them all: a failure before that changes none.

    Raises:
        LockNotWritableError: One can't be written.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            beside = cleared_beside(path)
            staged.append((beside, path))
            beside.write_bytes(text.encode())
            sync(beside)
        for beside, path in staged:
            beside.replace(path)
    except OSError as error:
        raise LockNotWritableError(
            f"Can't write a file: {error.strerror or error}.", evidence=[str(error.filename)]
        ) from error
    finally:
        for beside, _ in staged:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
