"""Notices, after each cell, that the environment has changed under the kernel, and says what it means.

Each cell costs a few looks at the times of folders and files. Only when one of them has changed is more read, and
something said: once for each change, in that cell's own output. Nothing here can disturb a cell: what goes wrong
in the tripwire is kept to itself.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap import provenance
from bootstrap._util.names import canonical_name
from bootstrap.guard import config_files
from bootstrap.guard.messages import CellChanges, describe_refusal, describe_start, to_card

_INFO = re.compile(r"^(?P<name>[A-Za-z0-9._]+?)-(?P<version>[^-]+)\.dist-info$")
_INSTALL = re.compile(r"\b(pip3?|uv)\b.*\binstall\b")
_FILES = re.compile(r"(?:^|\s)(?:-r|--requirement)[ =]?([^\s'\";|&]+)")


def arm(shell: Any, prefix: str | os.PathLike[str]) -> Tripwire:
    """Looks at the environment after each cell of a notebook; once armed, it is not armed again.

    Also puts into this process's environment what holds uv (and pip, where the user has constraints of his own) to
    the lock, if the prefix is guarded.

    Args:
        shell: ``get_ipython()``.
        prefix: The environment that the kernel runs in; any Python's, not only one of ours.
    """
    armed = getattr(shell, provenance.TRIPWIRE, None)
    if isinstance(armed, Tripwire):
        return armed
    wire = Tripwire(shell, Path(prefix))
    setattr(shell, provenance.TRIPWIRE, wire)
    shell.events.register("pre_run_cell", wire.before_cell)
    shell.events.register("post_run_cell", wire.after_cell)
    return wire


@dataclass(frozen=True)
class _Seen:
    """What the environment looked like."""

    times: tuple[Any, ...]
    """Of the watched places: cheap to take, and all that is taken after most cells."""
    distributions: dict[str, str]
    """Name to version, by the names of the .dist-info folders."""
    numpy: tuple[Any, ...]


class Tripwire:
    """The hook, with what it saw last."""

    def __init__(self, shell: Any, prefix: Path) -> None:
        self._shell = shell
        self._prefix = prefix
        self._sites = [path for path in _site_folders(prefix) if path.is_dir()]
        self._watched: list[str] = []
        self._refused: object = None
        os.environ.update(config_files.in_environment(prefix, os.environ))
        self._seen = self._look()
        self._first = describe_start(prefix, self._seen.distributions.get("numpy", ""))
        provenance.note_start(shell)  # of the cell that arms it
        self.told: list[CellChanges] = []
        """What was said so far, oldest first."""

    def before_cell(self, _info: Any = None) -> None:
        """IPython calls it before each cell."""
        with suppress(Exception):  # a cell must never suffer from it
            provenance.note_start(self._shell)
            if self._first:
                lines, self._first = self._first, []
                self._show(lines, grave=True)

    def accept(self) -> None:
        """Takes the environment as it is now: whoever has changed it has told of it."""
        self._seen = self._look()
        self._first = []

    def after_cell(self, result: Any = None) -> None:
        """IPython calls it after each cell."""
        with suppress(Exception):  # a cell must never suffer from it
            provenance.note_end(self._shell, result)
            self._after_cell(result)

    def _after_cell(self, result: Any) -> None:
        self._explain_refusal(result)
        if self._times() == self._seen.times:
            return
        before, self._seen = self._seen, self._look()
        change = CellChanges.between(
            before.distributions,
            self._seen.distributions,
            numpy_touched=before.numpy != self._seen.numpy,
            prefix=self._prefix,
        )
        if change.worth_telling:
            self.told.append(change)
            self._show(change.to_lines(), grave=change.grave)

    def _explain_refusal(self, result: Any) -> None:
        """Where an installation failed in this cell and the prefix is guarded, says whose bound it was."""
        source = str(getattr(getattr(result, "info", None), "raw_cell", "") or "")
        held = config_files.constraints_path(self._prefix)
        if not provenance.exit_status(self._shell) or not _INSTALL.search(source) or not held.is_file():
            return
        source = "\n".join([source, *(config_files.read(Path(name)) for name in _FILES.findall(source))])
        lines = describe_refusal(source, config_files.read(held))
        if lines:
            self._show(lines, grave=False)

    def _show(self, lines: list[str], *, grave: bool) -> None:
        card = to_card(lines, grave=grave)
        publisher = getattr(self._shell, "display_pub", None)
        if publisher is not None and hasattr(self._shell, "kernel"):
            publisher.publish(card._repr_mimebundle_())
        else:
            print(card)

    def _times(self) -> tuple[Any, ...]:
        return tuple(_stamp(path) for path in self._watched)

    def _look(self) -> _Seen:
        """Reads what is there, and which places to watch for a change of it."""
        versions: dict[str, str] = {}
        infos = []
        for site in reversed(self._sites):
            for entry in os.listdir(site):  # noqa: PTH208 - after a cell: quick
                match = _INFO.match(entry)
                if match:
                    name = canonical_name(match["name"])
                    versions[name] = match["version"]
                    if name == "numpy":
                        infos.append(site / entry)
        package = next((site / "numpy" for site in self._sites if (site / "numpy").is_dir()), None)
        core: list[Path] = []
        if package is not None:
            core = [package / "__init__.py", package / "version.py"]
            core += [p for inner in ("_core", "core") for p in (package / inner).glob("_multiarray_umath.*.so")]
        meta = self._prefix / "conda-meta"
        self._watched = [str(p) for p in (*self._sites, meta, meta / "history", *infos, *core)]
        return _Seen(self._times(), versions, tuple(_stamp(str(path)) for path in (*infos, *core)))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        info = os.stat(path)  # noqa: PTH116 (after each cell)
    except OSError:
        return None
    # On an overlay, as a container's disk is, a folder's number changes whenever the kernel has forgotten the folder.
    number = 0 if stat.S_ISDIR(info.st_mode) else info.st_ino
    return number, info.st_mtime_ns, info.st_size


def _site_folders(prefix: Path) -> list[Path]:
    """Where this Python keeps its packages: of the prefix, and whatever else it searches that is named so."""
    short = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    sites = [prefix / "lib" / short / "site-packages"]
    sites += [Path(p) for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]  # noqa: PTH119 (text)
    return list(dict.fromkeys(sites))
