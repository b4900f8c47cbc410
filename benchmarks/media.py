"""Where the runs write: a file system of their own, made for one contender's round and thrown away whole.

Deleting tens of thousands of files makes the next run on the same file system several times slower, so nothing
is deleted: where the machine allows mounts (root), each round gets a newly made ext4 in a file, or a tmpfs of its
own. Where it doesn't, each gets a fresh folder, and all of them are removed after the last run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA = ("disk", "tmpfs")
SHARED_MEMORY = Path("/dev/shm")
SETTLING = 0.5
"""Seconds of rest between a sync and a measured run."""


@dataclass(frozen=True)
class Media:
    """The places for the runs of one benchmark.

    Attributes:
        base: A folder on the disk; images and mount points lie here.
        gigabytes: The room that one contender's round may need.
        mounts: Whether file systems can be mounted; else fresh folders are used.
    """

    base: Path
    gigabytes: int
    mounts: bool

    def describe(self, medium: str) -> str:
        """What the medium is, for the report."""
        if medium == "tmpfs":
            return "tmpfs, mounted anew for each run" if self.mounts else f"fresh folders in {SHARED_MEMORY}"
        host = _output("df", "--output=fstype", str(self.base)).split()[-1]
        return f"ext4 made anew for each run, in a file on {host}" if self.mounts else f"fresh folders on {host}"

    @contextmanager
    def fresh(self, medium: str) -> Iterator[Path]:
        """An empty place on the medium, at rest."""
        place = self._mounted(medium) if self.mounts else self._folder(medium)
        with place as path:
            settle()
            yield path

    @contextmanager
    def _mounted(self, medium: str) -> Iterator[Path]:
        point = Path(tempfile.mkdtemp(prefix=f"{medium}-", dir=self.base))
        image = point.with_suffix(".img")
        try:
            if medium == "tmpfs":
                _run("mount", "-t", "tmpfs", "-o", f"size={self.gigabytes}g,nr_inodes=2m", "bench", str(point))
            else:
                with image.open("wb") as file:
                    file.truncate(self.gigabytes << 30)
                # Lazy initialisation would go on writing during the run.
                lazy = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
                _run("mkfs.ext4", "-q", "-F", "-E", lazy, str(image))
                _run("mount", "-o", "loop", str(image), str(point))
            try:
                work = point / "work"
                work.mkdir()
                yield work
            finally:
                _unmount(point)
        finally:
            image.unlink(missing_ok=True)
            point.rmdir()

    @contextmanager
    def _folder(self, medium: str) -> Iterator[Path]:
        if medium == "tmpfs":
            # Memory has to be given back at once, and deleting there leaves no trace.
            with tempfile.TemporaryDirectory(prefix="bench-", dir=SHARED_MEMORY) as folder:
                yield Path(folder)
        else:
            yield Path(tempfile.mkdtemp(prefix="disk-", dir=self.base))


@contextmanager
def open_media(base: Path, *, gigabytes: int) -> Iterator[Media]:
    """The media of one benchmark, under a folder of their own in ``base``; all is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    try:
        yield Media(folder, gigabytes, mounts=can_mount(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a tmpfs and an ext4 in a file: tried with small ones."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("mount", "umount", "mkfs.ext4"))):
        return False
    trial = Media(folder, 1, mounts=True)
    try:
        for medium in MEDIA:
            with trial.fresh(medium):
                pass
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def settle() -> None:
    """Write out what earlier runs left behind and rest a moment."""
    os.sync()
    time.sleep(SETTLING)


def _unmount(point: Path) -> None:
    try:
        _run("umount", str(point))
    except subprocess.CalledProcessError:
        # A process that was killed may still hold a file; the mount goes when it does.
        _run("umount", "--lazy", str(point))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
