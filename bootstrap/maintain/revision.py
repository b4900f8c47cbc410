"""A lock by file or by git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import RevisionNotFoundError
from bootstrap.lock.reader import parse_lock, read_lock

if TYPE_CHECKING:
    from bootstrap.lock.model import Lock


def read_revision(name: str, *, lock_path: Path) -> Lock:
    """Reads a lock from a file, or from a git revision of one.

    Args:
        name: A lock file's path, or a revision (``HEAD~1``, a tag, a branch, a hash).
        lock_path: The lock file of which a revision is meant; it need not exist now.

    Raises:
        RevisionNotFoundError: Neither; the evidence has git's words.
        LockError: What is there is not a lock.
    """
    path = Path(name)
    if path.is_file():
        return read_lock(path)
    folder = lock_path.absolute().parent
    # The end of options, so that a name can't be taken for one.
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None or commit.returncode:
        why = "git isn't installed" if commit is None else f"no file, and no revision in {folder}"
        raise RevisionNotFoundError(f"{name} is neither a lock file nor a git revision.", evidence=[why])
    shown = _git(folder, "show", f"{commit.stdout.decode().strip()}:./{lock_path.name}")
    if shown is None or shown.returncode:
        said = shown.stderr.decode(errors="replace").strip() if shown else ""
        raise RevisionNotFoundError(f"{name} doesn't contain {lock_path.name}.", evidence=said.splitlines())
    return parse_lock(shown.stdout, Path(f"{name}:{lock_path.name}"))


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None
