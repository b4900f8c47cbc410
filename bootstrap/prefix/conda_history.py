"""conda's history of a prefix: what came and went, and which packages were asked for.

conda's solvers keep what was asked for and may take away the rest: with an empty history ``conda remove`` of one
package removes nearly all.
"""

from __future__ import annotations

import ast
import re
import time
from typing import TYPE_CHECKING

from bootstrap.lock.model import ANACONDA_ORG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bootstrap.lock import Record

HISTORY_FILE = "history"
_SPECS = re.compile(r"#\s*(\w+)\s*specs:\s*(.+)")
_NAME = re.compile(r"(?:.*::)?([^\s=<>!~\[]+)")
_REMOVALS = ("remove", "uninstall")


def add_revision(meta: Path, records: Iterable[Record], specs: Mapping[str, str], *, command: str) -> None:
    """Adds a revision that leads from the history's state to these records; none where nothing is new.

    Args:
        meta: The prefix's conda-meta.
        records: What is installed.
        specs: What was asked for, by the names of the packages; what was asked for before is not any more.
        command: The command that did it.
    """
    history = meta / HISTORY_FILE
    text = history.read_text(encoding="utf-8", errors="replace") if history.exists() else ""
    installed, asked = _read(text.splitlines())
    now = {_dist(record) for record in records}
    lines = [*(f"-{dist}" for dist in sorted(installed - now)), *(f"+{dist}" for dist in sorted(now - installed))]
    gone = sorted(asked.keys() - specs.keys())
    if gone:
        lines.append(f"# remove specs: {gone}")
    if specs.items() - asked.items():
        lines.append(f"# update specs: {list(specs.values())}")
    if lines:
        head = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", f"# cmd: {' '.join(command.split())}"]
        with history.open("a", encoding="utf-8") as file:
            file.write("\n" * (text != "" and not text.endswith("\n")))
            file.write("\n".join([*head, *lines]) + "\n")


def has_history(meta: Path) -> bool:
    """Whether a prefix's conda-meta tells what was asked for; the engine makes an empty history."""
    try:
        return (meta / HISTORY_FILE).stat().st_size > 0
    except OSError:
        return False


def _read(lines: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    """The packages that a history ends with, and what was asked for by then."""
    installed: set[str] = set()
    asked: dict[str, str] = {}
    for line in map(str.strip, lines):
        if line.startswith("+"):
            installed.add(line[1:])
        elif line.startswith("-"):
            installed.discard(line[1:])
        elif match := _SPECS.match(line):
            specs = {name[1].lower(): spec for spec in _listed(match[2]) if (name := _NAME.match(spec))}
            if match[1] in _REMOVALS:
                asked = {name: spec for name, spec in asked.items() if name not in specs}
            else:
                asked |= specs
    return installed, asked


def _listed(text: str) -> list[str]:
    """The specs of one line: a list of Python, in old histories with commas only."""
    if not text.startswith("["):
        return text.split(",")
    try:
        return [spec for spec in ast.literal_eval(text) if isinstance(spec, str)]
    except (ValueError, SyntaxError):
        return []


def _dist(record: Record) -> str:
    """A package as conda's history names it."""
    channel = record.channel.removeprefix(f"{ANACONDA_ORG}/")
    return f"{channel}/{record.subdir}::{record.stem}"
