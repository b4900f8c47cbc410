"""Who changed what in an environment, and when: a notebook's cells and installations, each with its time.

A moment in which a cell ran is laid to that cell. Only of what happened before anybody noted times are the cells' own
words asked: which command asks for what was installed. One that failed installed nothing.

Times and outcomes are kept at the shell itself: whoever asks later is another part of this program, or another copy
of it.
"""

from __future__ import annotations

import json
import linecache
import math
import posixpath
import re
import shlex
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from bootstrap._util.names import canonical_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

D = TypeVar("D")
_TICK = 0.01
"""Times of files come from a clock of a hundred ticks a second or more: they may lie before a cell's start."""
_LONGEST_CELL = 3600.0
"""Seconds that a cell may have run: the page's clock may be another one."""
_GAP_S = 20.0
"""Installations further apart than this are not of one command."""
_WRITTEN = ("RECORD", "INSTALLER", "METADATA", "PKG-INFO", "")
"""What dates an installation: RECORD, which installers write last; where it is missing, the next."""
_EARLIEST = 1_000_000_000.0
"""No installation is older than September 2001."""
TRIPWIRE = "_condacolab_bootstrap_tripwire"
"""Where a shell holds what watches the environment; see `bootstrap.guard.tripwire`."""
_CLOCK = "_condacolab_bootstrap_cells"
_COMMAND = re.compile(r"\b(pip3?|uv|conda|mamba|micromamba|poetry)\b.*\b(install|uninstall|remove|update|sync|add)\b")
_LIST = re.compile(r"\s(?:-[qUv]*r|--requirement\b)")
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*((?:[<>=!~].*)?)")


@dataclass(frozen=True)
class Installation(Generic[D]):
    """One distribution on disk, and when and by whom it came."""

    dist: D
    """Anything with a ``name`` and a ``version`` that reads ``name version``."""
    at: float
    """When its .dist-info was written, in seconds since 1970."""
    changed: float = 0.0
    """When that came to this place, or changed there last."""
    installer: str = ""
    requested: bool = False
    """Whether a command named it."""
    url: str = ""
    """Where it was taken from, if not from an index."""

    def __str__(self) -> str:
        return str(self.dist)

    @classmethod
    def read(cls, dist: D, info: Path) -> Installation[D] | None:
        """What a distribution's .dist-info tells; None where it is gone."""
        for name in _WRITTEN:
            with suppress(OSError):
                written, installer = (info / name).lstat(), _text(info / "INSTALLER")
                # conda and who unpacks an archive keep its times; 1980 is when nothing was installed.
                kept = installer in ("", "conda") or name != "RECORD" or written.st_mtime < _EARLIEST
                at = written.st_ctime if kept else written.st_mtime
                return cls(dist, at, written.st_ctime, installer, (info / "REQUESTED").exists(), _url(info))
        return None


@dataclass(frozen=True)
class Cell:
    """One cell that was run."""

    number: int
    """As the notebook counts it."""
    source: str
    """As its user wrote it."""
    began: float = math.nan
    """When it ran, in seconds since 1970; not a number where nobody noted it."""
    ended: float = math.inf
    failed: bool = False
    """Whether it, or the last command in it, is known to have failed."""

    def __str__(self) -> str:
        lines = [line.strip() for line in self.source.splitlines() if line.strip()]
        return f"cell {self.number}: `{next(iter(install_lines(self.source)), ' / '.join(lines))[:160]}`"


def shell() -> Any:
    """``get_ipython()`` where IPython runs in this process; else None. It is not imported for that."""
    ipython = sys.modules.get("IPython")
    try:
        return ipython.get_ipython() if ipython is not None else None
    except AttributeError:
        return None


def sent() -> float | None:
    """Seconds since the page sent the cell that runs now, by its own clock; None where that can't be told."""
    header = (getattr(shell(), "parent_header", None) or {}).get("header", {})
    moment = header.get("date")
    age = time.time() - moment.timestamp() if isinstance(moment, datetime) else -1.0
    return age if 0 <= age < _LONGEST_CELL else None


def accept_changes() -> None:
    """Tells whoever watches the environment that its changes so far were told of; nothing where nobody does."""
    if (watcher := getattr(shell(), TRIPWIRE, None)) is not None:
        watcher.accept()


class _Old(int):
    """An exit status that was there before a cell: it compares as the number that it is."""


def note_start(shell: Any) -> None:
    """Remembers that a cell begins now.

    Args:
        shell: ``get_ipython()``.
    """
    _clock(shell)["began"] = time.time() - _TICK
    names = getattr(shell, "user_ns", None)
    if isinstance(names, dict) and isinstance(names.get("_exit_code"), int):
        names["_exit_code"] = _Old(names["_exit_code"])


def note_end(shell: Any, result: Any = None) -> None:
    """Remembers that the cell under way ends now; one whose beginning nobody noted is not known.

    Args:
        shell: ``get_ipython()``.
        result: IPython's result of the cell.
    """
    clock = _clock(shell)
    if clock["began"] is not None:
        failed = getattr(result, "success", True) is False or bool(exit_status(shell))
        clock["ran"].append((time.time(), clock["began"], len(_sources(shell)), failed))
        clock["began"] = None


def exit_status(shell: Any) -> int:
    """That of the last ``!`` or ``%pip`` line of the cell that runs or has just ended; 0 where it has none."""
    code = getattr(getattr(shell, "user_ns", None), "get", lambda *_: 0)("_exit_code", 0)
    return code if isinstance(code, int) and not isinstance(code, _Old) else 0


def cells(shell: Any) -> list[Cell]:
    """The cells run so far, the one under way included, oldest first.

    Args:
        shell: ``get_ipython()``.
    """
    sources, clock = _sources(shell), getattr(shell, _CLOCK, None)
    # Each time stands by how many sources there were when that cell ended, its own the last.
    times = {count - 1: (began, ended, failed) for ended, began, count, failed in (clock["ran"] if clock else ())}
    if clock and clock["began"] is not None:
        times[len(sources) - 1] = (clock["began"], math.inf, False)
    return [
        Cell(number, source, *times.get(number, ()))
        for number, source in enumerate(sources)
        if number and isinstance(source, str)
    ]


def cell_at(
    ran: Sequence[Cell],
    moment: float,
    installed: Iterable[Installation[Any]] = (),
    commands: Callable[[Cell], Iterable[str]] = lambda cell: install_lines(cell.source),
) -> Cell | None:
    """The cell that ran at a moment, as far as it is known; None where none did.

    Args:
        ran: The cells, oldest first.
        moment: Seconds since 1970.
        installed: What came then. Where nobody noted what ran, it was the last cell that asks for it, else the last
            that reads a list of requirements.
        commands: What a cell installs.
    """
    running = next((cell for cell in ran if cell.began <= moment <= cell.ended), None)
    if running is not None or any(cell.began <= moment for cell in ran):
        return running  # somebody watched: whatever it was, it wasn't a cell
    asking = [(cell, text) for cell in reversed(ran) if math.isnan(cell.began) for text in commands(cell)]
    came = list(installed)
    listed = next((cell for cell, text in asking if came and _LIST.search(text)), None)
    return next((cell for cell, text in asking if any(asks_for(text, one) for one in came)), listed)


def together(installed: Iterable[Installation[D]], moment: float, cell: Cell | None = None) -> list[Installation[D]]:
    """What was installed along with what was installed at a moment: by that cell, or each within 20 s of the next."""
    ordered = sorted(installed, key=lambda one: one.at)
    if cell is not None and cell.began <= moment:
        return [one for one in ordered if cell.began <= one.at <= cell.ended]
    return next((b for b in bursts(ordered) if b[0].at - _GAP_S <= moment <= b[-1].at + _GAP_S), [])


def bursts(installed: Iterable[Installation[D]]) -> list[list[Installation[D]]]:
    """Installations in goes, oldest first."""
    groups: list[list[Installation[D]]] = []
    for one in sorted(installed, key=lambda one: one.at):
        if groups and one.at - groups[-1][-1].at <= _GAP_S:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def install_lines(source: str) -> list[str]:
    """The lines of a cell that install or remove."""
    written = (line.strip() for line in source.replace("\\\n", " ").splitlines())
    return [line for line in written if not line.startswith("#") and _COMMAND.search(line)]


def asks_for(command: str, one: Installation[Any]) -> bool:
    """Whether a command's words ask for what was installed: by its name and a bound that fits, or by its address."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    if not one.url:
        return any(_names(word, one) for word in words)
    place = urlsplit(one.url)
    name = posixpath.basename(unquote(place.path).rstrip("/"))
    local = place.scheme == "file" and not name.endswith((".whl", ".gz", ".zip"))
    return any((name and name in word) or (local and word.startswith((".", "/"))) for word in words[1:])


def admits(specifier: str, version: str) -> bool:
    """Whether a specifier of pip's lets a version through; True where it can't be told."""
    try:
        from packaging.specifiers import SpecifierSet
        from packaging.version import Version

        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (ImportError, ValueError):
        return True


def told_with_cell(shell: Any, line: str) -> str:
    """A sentence that begins with a dotted name of numpy's, with the cell that has put something else there.

    Args:
        shell: ``get_ipython()``; without one, the sentence is returned as it is.
        line: The sentence.
    """
    name = re.escape(line.split(" ", 1)[0].rpartition(".")[2]).replace("'", "['\"]")
    # numpy.dot = ..., np.linalg.norm = ..., setattr(np, "dot", ...), monkeypatch-like calls
    assigned, by_name = rf"\.{name}\s*(?::[^=]*)?=(?!=)", rf"(?:setattr|\.object)\s*\(.*['\"]{name}['\"]"
    writes = re.compile(f"{assigned}|{by_name}")
    ran = cells(shell)
    for cell in reversed(ran):
        for text in cell.source.splitlines():
            if writes.search(text):
                return f"{line}; cell {cell.number} has `{text.strip()[:160]}`"
    code = linecache.cache.get(line.rpartition(" comes from ")[2], ())
    written = "".join(code[2]).strip() if len(code) > 2 else ""
    number = next((cell.number for cell in ran if written and cell.source.strip() == written), None)
    return line if number is None else f"{line}, which is cell {number}"


def ago(seconds: float) -> str:
    """A length of time up to now, as a person says it."""
    for length, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"


def _names(word: str, one: Installation[Any]) -> bool:
    match = _REQUIREMENT.fullmatch(word)
    same = match and canonical_name(match[1]) == canonical_name(one.dist.name)
    return bool(match and same and admits(match[2].partition(";")[0], one.dist.version))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _url(info: Path) -> str:
    try:
        return str(json.loads((info / "direct_url.json").read_bytes()).get("url", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _clock(shell: Any) -> dict[str, Any]:
    clock: dict[str, Any] | None = getattr(shell, _CLOCK, None)
    if clock is None:
        clock = {"began": None, "ran": []}
        setattr(shell, _CLOCK, clock)
    return clock


def _sources(shell: Any) -> list[str]:
    """The cells' texts by their numbers, the first of no cell; with magics as they were written."""
    inputs = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
    return inputs if isinstance(inputs, list) else []
