"""A smaller lock out of a whole one: what some packages need, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def reduce_lock(lock: Path, target: Path, roots: Iterable[str], *, replace: tuple[str, str] = ("", "")) -> Path:
    """Writes the part of a lock that its `roots` depend on.

    Args:
        lock: The whole lock.
        target: Where to write.
        roots: Names of packages.
        replace: What to replace in URLs: the same channel is elsewhere for whoever reads it.
    """
    data = yaml.safe_load(lock.read_text().replace(*replace) if replace[0] else lock.read_text())
    entries = {entry["name"]: entry for entry in data["package"]}
    wanted: set[str] = set()
    waiting = list(roots) or list(entries)
    while waiting:
        name = waiting.pop()
        if name in entries and name not in wanted:
            wanted.add(name)
            waiting += entries[name]["dependencies"]
    data["package"] = [entry for entry in data["package"] if entry["name"] in wanted]
    target.write_text(yaml.safe_dump(data, sort_keys=False))
    return target
