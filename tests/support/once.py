"""What is dear to make, made once: kept in a cache by what it is made of, for all processes and all runs of tests."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_UNUSED_SECONDS = 7 * 24 * 3600.0


def digest(*parts: object) -> str:
    """A short name for whatever the parts say."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:12]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the file is made, and stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def made_once(cache: Path, name: str, key: str, build: Callable[[Path], None]) -> Path:
    """A folder of a cache: as it is, or built.

    It is built in its own place, because environments know where they lie. A file beside it says so until it is
    complete; what a failed or killed process left is removed, and built anew.

    Args:
        cache: The folder that it is kept in.
        name: What it holds.
        key: The digest of what it is made of.
        build: Fills a folder that exists and is empty.
    """
    goal = cache / f"{name}-{key}"
    unfinished = cache / f"{goal.name}.unfinished"
    with locked(cache / f"{goal.name}.lock"):
        if unfinished.exists() or not goal.is_dir():
            print(f"making {goal.name} in {cache}", file=sys.stderr)
            unfinished.touch()
            _remove(goal)
            goal.mkdir()
            goal.chmod(0o755)
            build(goal)
            unfinished.unlink()
            _forget_outdated(cache, name, goal)
        os.utime(goal)
    return goal


def _forget_outdated(cache: Path, name: str, current: Path) -> None:
    """Removes what was made of other inputs and not used for a week: a test may still use a younger one."""
    for folder in cache.glob(f"{name}-" + "[0-9a-f]" * 12):
        with suppress(FileNotFoundError):  # another process may be at the same
            if folder != current and time.time() - folder.stat().st_mtime > _UNUSED_SECONDS:
                _remove(folder)


def _remove(folder: Path) -> None:
    # Not by shutil: it stops at folders that a test has made read-only.
    subprocess.run(["rm", "-rf", folder], check=True)
