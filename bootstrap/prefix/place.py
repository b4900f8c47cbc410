"""Where an environment can be: a path that packages' files can hold, in a folder where it can be exchanged."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bootstrap.errors import PrefixPlaceError, PrefixTooLongError

PLACEHOLDER_LENGTH = 255
"""Bytes that conda-build leaves in binary files for the prefix's path."""
NAME_LENGTH = 200
"""Bytes of its last part: names of folders beside it are longer by some."""
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")


def settled(prefix: Path) -> Path:
    """The absolute path of a prefix. A link to an environment stays a link: its target is what changes.

    Raises:
        PrefixPlaceError: No environment can be there, or not exchanged.
        PrefixTooLongError: The path can't be written into the packages' files.
    """
    prefix = absolute(prefix)
    try:
        if prefix.is_symlink() or ".." in prefix.parts:
            prefix = prefix.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise _refused(prefix, f"can't be followed: {error}") from error
    raw = os.fsencode(prefix)
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise _refused(prefix, "is not UTF-8") from error
    if any(character < 32 or character == 127 for character in raw):
        raise _refused(prefix, "contains a control character, such as a newline")
    if not prefix.name:
        raise _refused(prefix, "is the root of the file system")
    if len(raw) > PLACEHOLDER_LENGTH or len(os.fsencode(prefix.name)) > NAME_LENGTH:
        raise PrefixTooLongError(
            "The prefix's path is too long for the packages' binary files.",
            evidence=[f"{prefix}: {len(raw)} bytes, at most {PLACEHOLDER_LENGTH}, and its last part {NAME_LENGTH}"],
        )
    mounts = mounts_at(prefix)
    if mounts:
        at = f"Use a folder inside it, e.g. `--prefix {mounts[0]}/env`; nothing was changed."
        below = "Unmount what is below it, or choose another `--prefix`; nothing was changed."
        raise PrefixPlaceError(
            "The prefix can't be replaced in one step: a file system is mounted there.",
            evidence=[f"{mount}: a mount point" for mount in mounts],
            hint=at if mounts == [str(prefix)] else below,
        )
    return prefix


def absolute(path: Path) -> Path:
    """The absolute path of a folder that a user named.

    Raises:
        PrefixPlaceError: It is below a working folder that is gone, or below the home of nobody.
    """
    try:
        return path.expanduser().absolute()
    except FileNotFoundError as error:
        raise _refused(path, "the working directory no longer exists") from error
    except RuntimeError as error:
        raise _refused(path, str(error)) from error


def _refused(prefix: Path, why: str) -> PrefixPlaceError:
    shown = os.fsencode(prefix).decode(errors="backslashreplace")
    return PrefixPlaceError("This path can't hold an environment.", evidence=[f"{shown!r}: {why}"])


def mounts_at(folder: Path) -> list[str]:
    """The mount points at a folder and below it."""
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return [str(folder)] if os.path.ismount(folder) else []
    place = os.fsencode(os.path.realpath(folder))
    points = {_OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), line.split(b" ")[4]) for line in lines}
    return [os.fsdecode(p) for p in sorted(points) if p == place or p.startswith(place + b"/")]
