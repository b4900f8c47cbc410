"""Which version of a package a restored prefix should have, and what to do where memory, disk and lock differ.

Whoever tells of it (the check, the tripwire, the story of a runtime) gives the same next step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bootstrap.hints import command
from bootstrap.prefix.manifest import MANIFEST_FILE, read_manifest
from bootstrap.prefix.records import META_DIR

if TYPE_CHECKING:
    from pathlib import Path


def locked_version(prefix: Path, name: str) -> str:
    """The version that was restored; '' for what was not, and where this program has restored nothing."""
    try:
        data = (prefix / META_DIR / MANIFEST_FILE).read_bytes()
    except OSError:
        return ""
    # By its text: the manifest names every file of the prefix, and after a cell there is no time to parse all that.
    entry = re.search(rb'"%s-([^-"]+)-[^-"]+":' % re.escape(name.encode()), data)
    return entry[1].decode() if entry else ""


def next_step(prefix: Path, *, memory: str, disk: str, in_cell: bool = True) -> str:
    """What to do about a numpy that is not the one in memory, or not the locked one.

    Args:
        prefix: The environment.
        memory: The version that the process has loaded; empty for none.
        disk: The version on disk; empty for none.
        in_cell: Whether it is said in a notebook; else in a shell.
    """
    locked = locked_version(prefix, "numpy")
    if not locked or disk == locked:
        return "restart the runtime before you go on"
    repair = "bootstrap.check(repair=True)" if in_cell else repair_command(prefix)
    then = ", then restart the runtime" if memory and memory != locked else ""
    return f"`{repair}` puts the locked files back{then}"


def repair_command(prefix: Path, lock: Path | None = None) -> str:
    """What puts a prefix's locked files back, in a shell.

    Args:
        prefix: The environment.
        lock: The lock that it is compared with; named where it isn't the one that was restored.
    """
    state = None if lock is None else read_manifest(prefix)
    other = lock if state is None or state.lock["path"] != str(lock) else None
    return command("check", "repair", prefix=prefix, lock=other)
