"""Running one command and accounting for what its whole process tree used and wrote."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SAMPLING_INTERVAL = 0.05
"""Seconds between two looks at the tree's memory, at least."""
SAMPLING_SHARE = 0.02
"""Of the time, at most: a look walks every page table of the tree, on cores that the measured command needs."""


class CommandFailedError(Exception):
    """A measured command ended with another exit status than 0; carries the end of what it said."""


@dataclass(frozen=True)
class Usage:
    """What one command's process tree used."""

    wall: float
    """Seconds from start to exit of the first process."""
    cpu: float
    """Seconds of user and system time, of every process of the tree that its parent waited for."""
    peak: int
    """Bytes: highest sum of the tree's proportional set sizes (PSS), sampled; shared pages count once."""
    largest_rss: int
    """Bytes: the kernel's own, exact peak of the one largest process; shared pages count in full."""


@dataclass(frozen=True)
class Cost(Usage):
    """What one run used and wrote."""

    files: int
    """Paths to regular files and links that are there after and weren't before."""
    bytes: int
    """Bytes of new files; one that is linked twice counts once."""


@dataclass(frozen=True)
class Contents:
    """What lies in a folder."""

    files: int
    bytes: int


def measure(command: Sequence[str], folder: Path, *, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command that writes into ``folder`` only.

    Raises:
        CommandFailedError: Its exit status isn't 0.
    """
    before = contents(folder)
    used = usage(command, env=env)
    after = contents(folder)
    return Cost(
        **vars(used),
        files=max(0, after.files - before.files),
        bytes=max(0, after.bytes - before.bytes),
    )


def usage(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Usage:
    """Run a command and account for its process tree.

    Raises:
        CommandFailedError: Its exit status isn't 0.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        sampler = PeakSampler(process.pid)
        sampler.start()
        try:
            _, status, spent = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            # What it started would go on writing into a place that is about to be removed.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            sampler.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace").splitlines()[-20:]
            raise CommandFailedError("\n".join([f"{' '.join(command)}: exit {process.returncode}", *said]))
    return Usage(
        wall=wall,
        cpu=spent.ru_utime + spent.ru_stime,
        peak=sampler.peak,
        largest_rss=spent.ru_maxrss * 1024,
    )


class PeakSampler(threading.Thread):
    """Looks at a process tree's memory until told to stop, and keeps the highest sum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._done = threading.Event()

    def run(self) -> None:
        while True:
            began = time.perf_counter()
            self.peak = max(self.peak, sum(map(proportional_size, tree(self._pid))))
            took = time.perf_counter() - began
            if self._done.wait(max(SAMPLING_INTERVAL, took / SAMPLING_SHARE)):
                return

    def stop(self) -> None:
        """End the sampling and wait for it."""
        self._done.set()
        self.join()


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it now; empty once it has gone."""
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return
    for thread in threads:
        try:
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def proportional_size(pid: int) -> int:
    """A process's PSS in bytes, 0 once it has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def contents(folder: Path) -> Contents:
    """Count a folder's files, and their bytes: every inode once."""
    files = size = 0
    seen: set[tuple[int, int]] = set()
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                files += 1
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink > 1:
                    inode = status.st_dev, status.st_ino
                    if inode in seen:
                        continue
                    seen.add(inode)
                size += status.st_size
    return Contents(files, size)
