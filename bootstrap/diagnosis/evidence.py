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
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import processes, provenance
from bootstrap.diagnosis.model import NUMPY_NAME, Dist
from bootstrap.diagnosis.notebook import read_cells
from bootstrap.provenance import Cell, Installation

if TYPE_CHECKING:
    from bootstrap.diagnosis.events import Event
    from bootstrap.diagnosis.target import Target

_SUCCESS = re.compile(r"Successfully installed (.+)$")
# pip moves a package aside under a mangled name before it deletes it: ~umpy.
_NUMPY_FILE = re.compile(r"/(?:n|[-~]+)umpy(?:/|\.libs/)")
_LOG_TAIL = 200_000


Installed = Installation[Dist]


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
    cells: tuple[Cell, ...]
    """This session's, as IPython's history has them."""
    events: tuple[Event, ...]
    """Commands in them."""


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
    readings = (Installation.read(dist, Path(dist.path)) for dist in target.dists if dist.path is not None)
    installed = [one for one in readings if one is not None]
    since = kernel.began if kernel else None
    bursts = provenance.bursts(installed)
    recent = [b for b in bursts if b[-1].at >= since] if since is not None else bursts[-5:]
    cells = _cells(since)
    return Evidence(
        kernel=kernel,
        bursts=tuple(map(tuple, recent)),
        numpy=next((one for one in installed if one.dist.key == NUMPY_NAME), None),
        records=tuple(
            str(path)
            for folder in target.packages
            for path in sorted(folder.glob(f"{NUMPY_NAME}-*.dist-info"))
            if re.fullmatch(r"numpy-[^-]+\.dist-info", path.name)
        ),
        log=tuple(_log_lines(log)) if log else (),
        cells=tuple(cells),
        events=tuple(
            event
            for event in read_cells((cell.number, cell.source) for cell in cells)
            if event.kind in ("command", "restart", "condacolab")
        ),
    )


def find_kernel() -> Kernel | None:
    """This process where it is a notebook's kernel, else the nearest one above it."""
    if hasattr(provenance.shell(), "kernel"):
        return _kernel(os.getpid(), getattr(sys.modules.get(NUMPY_NAME), "__version__", None))
    return next((_kernel(pid, None) for pid in processes.forebears(os.getpid()) if processes.is_kernel(pid)), None)


def _kernel(pid: int, memory: str | None) -> Kernel:
    deleted = []
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            path = line.partition("/")[2]
            if path.endswith(" (deleted)") and _NUMPY_FILE.search(f"/{path}"):
                deleted.append(f"/{path.removesuffix(' (deleted)')}")
    return Kernel(pid, processes.began(pid), memory, tuple(dict.fromkeys(deleted)))


def _log_lines(path: Path) -> list[str]:
    """What pip's log says was installed, oldest first."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_TAIL))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if _SUCCESS.search(line)]


def _cells(since: float | None) -> list[Cell]:
    """This session's cells: this process's own, else those of the kernel above it, as stored."""
    own_cells = provenance.cells(provenance.shell())
    return own_cells or (_stored_cells(since) if since is not None else [])


def _stored_cells(since: float) -> list[Cell]:
    """The newest session in IPython's database, if it began with the kernel."""
    home = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    stored = home.glob("profile_*/history.sqlite")
    for path in sorted(stored, key=lambda path: path.stat().st_mtime, reverse=True):
        with (
            suppress(sqlite3.Error, ValueError),
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database,
        ):
            row = database.execute("SELECT session, start FROM sessions ORDER BY session DESC LIMIT 1").fetchone()
            if row is None or datetime.fromisoformat(str(row[1])).timestamp() < since - 120:
                continue
            query = "SELECT line, source_raw FROM history WHERE session = ? ORDER BY line"
            return [Cell(int(line), str(source)) for line, source in database.execute(query, (row[0],))]
    return []
