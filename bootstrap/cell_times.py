"""When each of a notebook's cells ran, so that what happened at some moment can be laid to one of them, or to none.

The times are kept at the shell itself: whoever asks later is another part of this program, or another copy of it.
"""

from __future__ import annotations

import linecache
import re
import sys
import time
from bisect import bisect_left
from typing import Any

_TICK = 0.01
"""Times of files come from a clock of a hundred ticks a second or more: they may lie before a cell's start."""
TRIPWIRE = "_condacolab_bootstrap_tripwire"
"""Where a shell holds what watches the environment; see `bootstrap.guard.tripwire`."""
_CLOCK = "_condacolab_bootstrap_cells"


def shell() -> Any:
    """``get_ipython()`` where IPython runs in this process; else None. It is not imported for that."""
    ipython = sys.modules.get("IPython")
    try:
        return ipython.get_ipython() if ipython is not None else None
    except AttributeError:
        return None


def accept_changes() -> None:
    """Tells whoever watches the environment that its changes so far were told of; nothing where nobody does."""
    if (watcher := getattr(shell(), TRIPWIRE, None)) is not None:
        watcher.accept()


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
    for number, source in reversed(list(enumerate(_sources(shell)))):
        for text in source.splitlines() if isinstance(source, str) else ():
            if writes.search(text):
                return f"{line}; cell {number} has `{text.strip()[:160]}`"
    code = linecache.cache.get(line.rpartition(" comes from ")[2], ())
    written = "".join(code[2]).strip() if len(code) > 2 else ""
    cell = next((n for n, source in enumerate(_sources(shell)) if written and str(source).strip() == written), None)
    return line if cell is None else f"{line}, which is cell {cell}"


def note_start(shell: Any) -> None:
    """Remembers that a cell begins now.

    Args:
        shell: ``get_ipython()``.
    """
    _clock(shell)["began"] = time.time() - _TICK


def note_end(shell: Any) -> None:
    """Remembers that the cell under way ends now; one whose beginning nobody noted is not known.

    Args:
        shell: ``get_ipython()``.
    """
    clock = _clock(shell)
    if clock["began"] is not None:
        clock["ran"].append((time.time(), clock["began"], len(_sources(shell))))
        clock["began"] = None


def source_at(shell: Any, moment: float) -> str | None:
    """The cell that ran at a moment, as its user wrote it; None where none did, or none is known.

    Args:
        shell: ``get_ipython()``.
        moment: Seconds since the epoch.
    """
    clock, sources = getattr(shell, _CLOCK, None), _sources(shell)
    if clock is None:
        return None
    if clock["began"] is not None and moment >= clock["began"]:
        return sources[-1] if sources else None
    after = bisect_left(clock["ran"], (moment, 0.0, 0))
    if after == len(clock["ran"]):
        return None
    _, began, count = clock["ran"][after]
    # The sources that were there when that cell ended, its own the last.
    return sources[count - 1] if began <= moment and 0 < count <= len(sources) else None


def _clock(shell: Any) -> dict[str, Any]:
    clock: dict[str, Any] | None = getattr(shell, _CLOCK, None)
    if clock is None:
        clock = {"began": None, "ran": []}
        setattr(shell, _CLOCK, clock)
    return clock


def _sources(shell: Any) -> list[str]:
    """The cells run so far, the one under way included; with magics as they were written."""
    found = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
    return found if isinstance(found, list) else []
