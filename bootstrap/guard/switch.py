"""On, off, and how it stands."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bootstrap.card import Card
from bootstrap.guard import files
from bootstrap.guard.held import constraint_lines, held_packages, pin_lines
from bootstrap.prefix.records import META_DIR, require_environment

JOURNAL = "condacolab-bootstrap-guard"
"""Beside conda's records; without ``.json``, since conda reads each such file there as a record."""
SCHEMA = 1


@dataclass(frozen=True)
class Status:
    """How a prefix is guarded."""

    prefix: Path
    state: str
    """``on``, ``off``, or ``never`` where it was never guarded."""
    since: str = ""
    """When it was switched, as an ISO 8601 time."""
    held: int = 0
    """How many packages are held."""
    removed_pins: tuple[str, ...] = ()
    """Pins of others that contradicted the lock's, and were taken out."""
    undone: tuple[str, ...] = ()
    """What of the guard isn't in its place although it is on."""

    @property
    def active(self) -> bool:
        """Whether it is on, and whole."""
        return self.state == "on" and not self.undone

    @property
    def card(self) -> Card:
        """The same for people."""
        where = f"`{self.prefix}`"
        pins = tuple(f"taken out of conda-meta/pinned, since it contradicts the lock: {p}" for p in self.removed_pins)
        if self.active:
            title = f"{where}: {self.held} packages held since {self.since}"
            return Card(title=title, verdict="ok", word="guarded", details=pins)
        if self.state == "on":
            title = f"{where}: guarded since {self.since}, but not whole"
            return Card(title=title, verdict="doubtful", details=(*self.undone, *pins), next="`bootstrap guard on`")
        told = f"turned off on {self.since}" if self.state == "off" else "never guarded"
        return Card(title=f"{where}: {told}", verdict="doubtful", word="off", details=pins)

    def __str__(self) -> str:
        return str(self.card)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.card._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """The status as JSON-ready data."""
        return {
            "prefix": str(self.prefix),
            "state": self.state,
            "active": self.active,
            "since": self.since,
            "held": self.held,
            "removed_pins": list(self.removed_pins),
            "undone": list(self.undone),
        }


def switch_on(prefix: Path, lock: Path | None) -> Status:
    """See `bootstrap.guard.on`."""
    held = held_packages(prefix, lock)
    before = _read(prefix)
    files.write_constraints(prefix, constraint_lines(held, files.REASON))
    removed = files.write_pins(prefix, pin_lines(held))
    files.write_variable(prefix, files.UV_VARIABLE, str(files.constraints_path(prefix)))
    _enter(prefix)
    known = before.get("removed_pins", []) if before.get("state") == "on" else []
    entry = {
        "schema": SCHEMA,
        "state": "on",
        # Once more is not anew.
        "since": before["since"] if before.get("state") == "on" else _now(),
        "held": len(held),
        "removed_pins": list(dict.fromkeys([*known, *removed])),
        "lock": None if lock is None else str(lock.absolute()),
    }
    _write(prefix, entry)
    return read_status(prefix)


def switch_off(prefix: Path) -> Status:
    """See `bootstrap.guard.off`."""
    require_environment(prefix)
    before = _read(prefix)
    if before.get("state") != "on":
        return read_status(prefix)
    files.write_constraints(prefix, [])
    files.write_pins(prefix, [])
    back = [str(line) for line in before.get("removed_pins", [])]
    if back:
        path = files.pinned_path(prefix)
        files.put(path, "\n".join([*files.read(path).splitlines(), *back]) + "\n")
    files.write_variable(prefix, files.UV_VARIABLE, None)
    _leave(prefix)
    _write(prefix, {"schema": SCHEMA, "state": "off", "since": _now(), "by": " ".join(sys.argv[:3])})
    return read_status(prefix)


def read_status(prefix: Path) -> Status:
    """See `bootstrap.guard.status`."""
    require_environment(prefix)
    entry = _read(prefix)
    if not entry:
        return Status(prefix, "never")
    undone = []
    if entry["state"] == "on":
        pinned, conf = files.read(files.pinned_path(prefix)), files.read(prefix / "pip.conf")
        if files.BEGIN not in pinned:
            undone.append(f"{files.pinned_path(prefix)}: the locked pins are gone")
        if not files.constraints_path(prefix).is_file():
            undone.append(f"{files.constraints_path(prefix)}: not there")
        if files.constraints_path(prefix).as_uri() not in conf:
            undone.append(f"{prefix / 'pip.conf'}: does not name the constraints")
    return Status(
        prefix=prefix,
        state=str(entry["state"]),
        since=str(entry.get("since", "")),
        held=int(entry.get("held", 0)),
        removed_pins=tuple(entry.get("removed_pins", ())),
        undone=tuple(undone),
    )


def _enter(prefix: Path) -> None:
    """Lets what this process starts be held, if it is one of the prefix."""
    if Path(sys.prefix) == prefix:
        os.environ.update(files.in_environment(prefix, os.environ))


def _leave(prefix: Path) -> None:
    path = files.constraints_path(prefix)
    for name in (files.UV_VARIABLE, files.PIP_VARIABLE):
        present = os.environ.get(name, "").split()
        kept = [item for item in present if item not in (str(path), path.as_uri())]
        if kept != present:
            os.environ[name] = " ".join(kept)
            if not kept:
                del os.environ[name]


def _read(prefix: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads((prefix / META_DIR / JOURNAL).read_bytes())
        return data if data["schema"] == SCHEMA and data["state"] in ("on", "off") else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(prefix: Path, entry: dict[str, Any]) -> None:
    files.put(prefix / META_DIR / JOURNAL, json.dumps(entry, indent=1) + "\n")


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")
