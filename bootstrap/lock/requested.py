"""What a lock was asked for, as opposed to what its packages pulled in."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.lock.model import Lock, Record

_NAME = re.compile(r"(?:.*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)")
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def requested(lock: Lock, records: Sequence[Record]) -> dict[str, str]:
    """The specs that were asked for, by the names of the packages.

    Those of the specifications that the lock was solved from, where they lie beside it and ask for nothing that it
    lacks; else the names alone of the packages that no other needs.

    Args:
        lock: The lock.
        records: Its records on one platform.
    """
    specs = _specified(lock)
    names = {record.name for record in records}
    return specs if specs and specs.keys() <= names else {name: name for name in roots(records)}


def roots(records: Sequence[Record]) -> list[str]:
    """Names of records from which all others are reached: what no other needs, and one of each cycle that is left."""
    depends = {record.name: record.depends for record in records}
    needed = {name for names in depends.values() for name in names}
    root_names: list[str] = []
    reached: set[str] = set()
    for name in sorted(depends, key=lambda name: name in needed):
        if name not in reached:
            root_names.append(name)
            waiting = [name]
            while waiting:
                if (one := waiting.pop()) not in reached:
                    reached.add(one)
                    waiting += depends.get(one, ())
    return root_names


def _specified(lock: Lock) -> dict[str, str]:
    specs: dict[str, str] = {}
    for source in filter(Path.is_file, (lock.path.parent / source for source in lock.sources)):
        with suppress(OSError, ValueError, yaml.YAMLError, LookupError, TypeError):
            content = yaml.load(source.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)
            lines = [line.strip() for line in content["dependencies"] if isinstance(line, str)]
            specs |= {match[1].lower(): line for line in lines if (match := _NAME.match(line))}
    return specs
