"""Keeps the conda-meta records of a stage in memory while the engine writes them.

The engine syncs every record to the disk. On ext4 each of these calls waits until all that was written before it
is on the disk as well, which is most of the environment. A stage is thrown away if anything happens to it before
it is whole, so nothing is won by that wait.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from bootstrap.prefix.meanwhile import copy, like

MEMORY = Path("/dev/shm")  # noqa: S108 (only folders of a new name are made there)
ROOM = 512_000_000
"""Bytes that must be free there: the records of 151 packages are 14 MB, and containers may have 64 for everything."""


def redirect_to_tmpfs(folder: Path, token: str) -> None:
    """Makes a folder that lies in memory, by a link; an ordinary one where there is no room in memory.

    Args:
        folder: The folder.
        token: By which `discard` finds what lies in memory, without the link as well.
    """
    lent = _place(token)
    try:
        free = os.statvfs(MEMORY)
        if free.f_bavail * free.f_frsize < ROOM:
            raise OSError
        lent.mkdir(0o700)
    except OSError:
        folder.mkdir()
        return
    # It becomes the records' folder in the end, which has the mode of its neighbours.
    lent.chmod(stat.S_IMODE(folder.parent.stat().st_mode))
    try:
        folder.symlink_to(lent)
    except OSError:
        lent.rmdir()
        folder.mkdir()


def copy_back(folder: Path) -> None:
    """Turns what `redirect_to_tmpfs` made into an ordinary folder with the same files."""
    if folder.is_symlink():
        lent = folder.readlink()
        beside = folder.with_name(f".{folder.name}.new")
        shutil.copytree(lent, beside, symlinks=True, copy_function=copy)
        like(str(lent), str(beside))
        folder.unlink()
        beside.rename(folder)
        shutil.rmtree(lent, ignore_errors=True)


def discard(token: str) -> None:
    """Deletes what `redirect_to_tmpfs` made in memory and nobody copied back, as after a killed run."""
    lent = _place(token)
    with suppress(OSError):
        info = lent.lstat()
        if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid():
            shutil.rmtree(lent)


def _place(token: str) -> Path:
    return MEMORY / f"condacolab-bootstrap-{token}"
