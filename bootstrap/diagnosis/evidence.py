"""What a live runtime still shows of its past: files' times, installers' marks, logs, history, what is loaded.

Nothing is run and nothing is changed: files, ``/proc``, and the history database opened read-only.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import cell_times
from bootstrap.diagnosis.model import NUMPY_NAME
from bootstrap.diagnosis.notebook import Event, read_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bootstrap.diagnosis.model import Dist
    from bootstrap.diagnosis.target import Target

_GAP_SECONDS = 20.0
"""Installations further apart than this are not of one command."""
_EARLIEST = 1_000_000_000.0
"""No installation is older than September 2001."""
_KERNELS = ("ipykernel", "colab_kernel_launcher", "ipykernel_launcher")
_SUCCESS = re.compile(r"Successfully installed (.+)$")
# pip moves a package aside under a mangled name before it deletes it: ~umpy.
_NUMPY_FILE = re.compile(r"/(?:n|[-~]+)umpy(?:/|\.libs/)")
_LOG_TAIL = 200_000


@dataclass(frozen=True)
class Installed:
    """One distribution, and when and by whom it came."""

    dist: Dist
    at: float
    """When its record was written, in seconds since 1970."""
    changed: float = 0.0
    """When that file came to this place, or changed there last."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "name": self.dist.name,
            "version": self.dist.version,
            "at": stamp(self.at),
            "installer": self.dist.installer,
            "requested": self.dist.requested,
            "direct_url": self.dist.direct_url,
        }


@dataclass(frozen=True)
class Kernel:
    """The process that a notebook's cells run in."""

    pid: int
    began: float
    numpy_memory: str | None
    """Version of the numpy that it has loaded; None where that can't be seen from outside."""
    deleted: tuple[str, ...]
    """Files of numpy that it has loaded and that are no longer on disk."""


@dataclass(frozen=True)
class Evidence:
    """All that was found."""

    kernel: Kernel | None
    bursts: tuple[tuple[Installed, ...], ...]
    """What was installed since the kernel began (or, without one, last), in goes, oldest first."""
    numpy: Installed | None
    records: tuple[str, ...]
    """Folders that say they are numpy's record: more than one is a fault."""
    log: tuple[str, ...]
    """What pip's log says was installed."""
    events: tuple[Event, ...]
    """Commands in IPython's history of this session."""


def stamp(moment: float) -> str:
    """A moment as text, local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def gather(target: Target, log: Path | None) -> Evidence:
    """Looks at everything.

    Args:
        target: The interpreter whose packages are looked at.
        log: pip's log file, where pip is set up to write one.
    """
    kernel = find_kernel()
    installed = sorted((i for d in target.dists if (i := _when(d))), key=lambda i: i.at)
    since = kernel.began if kernel else None
    bursts = _bursts(installed)
    recent = [b for b in bursts if b[-1].at >= since] if since is not None else bursts[-5:]
    numpy = next((i for i in installed if i.dist.key == NUMPY_NAME), None)
    records = [
        str(path)
        for folder in target.packages
        for path in sorted(folder.glob(f"{NUMPY_NAME}-*.dist-info"))
        if re.fullmatch(r"numpy-[^-]+\.dist-info", path.name)
    ]
    return Evidence(
        kernel=kernel,
        bursts=tuple(recent),
        numpy=numpy,
        records=tuple(records),
        log=tuple(_log_lines(log)) if log else (),
        events=tuple(e for e in history_events(since) if e.kind in ("command", "restart", "condacolab")),
    )


def _when(dist: Dist) -> Installed | None:
    """When a distribution's record was written: RECORD is what installers write last."""
    if dist.path is None:
        return None
    for name in ("RECORD", "INSTALLER", "METADATA", "PKG-INFO", ""):
        with suppress(OSError):
            times = (Path(dist.path) / name).stat()
            # Archives that know no times say 1980.
            at = times.st_mtime if times.st_mtime > _EARLIEST else times.st_ctime
            return Installed(dist, at, times.st_ctime)
    return None


def _bursts(installed: Sequence[Installed]) -> list[tuple[Installed, ...]]:
    found: list[list[Installed]] = []
    for item in installed:
        if found and item.at - found[-1][-1].at <= _GAP_SECONDS:
            found[-1].append(item)
        else:
            found.append([item])
    return [tuple(burst) for burst in found]


def find_kernel() -> Kernel | None:
    """This process where it is a notebook's kernel, else the nearest one above it."""
    if hasattr(cell_times.shell(), "kernel"):
        return _kernel(os.getpid(), getattr(sys.modules.get(NUMPY_NAME), "__version__", None))
    pid = os.getpid()
    while pid > 1:
        with suppress(OSError, ValueError, IndexError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if any(name in word for word in words[:4] for name in _KERNELS):
                return _kernel(pid, None)
        try:
            # The name in brackets may hold anything; what follows the last bracket is numbers.
            pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return None
    return None


def _kernel(pid: int, memory: str | None) -> Kernel | None:
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        boot = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()
            if line.startswith("btime")
        )
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    deleted = []
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            path = line.partition("/")[2]
            if path.endswith(" (deleted)") and _NUMPY_FILE.search(f"/{path}"):
                deleted.append(f"/{path.removesuffix(' (deleted)')}")
    return Kernel(pid, boot + ticks / os.sysconf("SC_CLK_TCK"), memory, tuple(dict.fromkeys(deleted)))


def _log_lines(path: Path) -> list[str]:
    """What pip's log says was installed, oldest first."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_TAIL))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if _SUCCESS.search(line)]


def history_events(since: float | None) -> list[Event]:
    """The installing commands among the cells of this session, numbered as they were run."""
    manager = getattr(cell_times.shell(), "history_manager", None)
    cells: list[tuple[int, str]] = []
    if manager is not None:
        with suppress(Exception):  # its database may be anywhere, locked or switched off
            cells = [(number, source) for _, number, source in manager.get_range()]
    if not cells and since is not None:
        cells = _stored_history(since)
    return read_cells(cells)


def _stored_history(since: float) -> list[tuple[int, str]]:
    """The newest session in IPython's database, if it began with the kernel."""
    home = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    for path in _newest(home.glob("profile_*/history.sqlite")):
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT session, start FROM sessions ORDER BY session DESC LIMIT 1").fetchone()
            if row is None or _moment(row[1]) < since - 120:
                continue
            query = "SELECT line, source_raw FROM history WHERE session = ? ORDER BY line"
            return [(int(line), str(source)) for line, source in database.execute(query, (row[0],))]
    return []


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda p: p.stat().st_mtime, reverse=True)


def _moment(text: object) -> float:
    """IPython's own way of writing a time, without a zone."""
    with suppress(ValueError):
        return time.mktime(time.strptime(str(text).partition(".")[0].replace("T", " "), "%Y-%m-%d %H:%M:%S"))
    return 0.0
