"""On, off, and how it stands."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap._util.atomic import cleared_beside
from bootstrap._util.data import fields_of
from bootstrap.card import Card, Shown
from bootstrap.guard import config_files
from bootstrap.guard.locked_packages import constraint_lines, held_packages, pin_lines
from bootstrap.hints import command
from bootstrap.lock.address import local_path
from bootstrap.prefix.cache import default_cache
from bootstrap.prefix.place import absolute
from bootstrap.prefix.records import META_DIR, require_environment
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

STATE_FILE = "condacolab-bootstrap-guard"
"""Beside conda's records; without ``.json``, since conda reads each such file there as a record."""
SCHEMA = 1
_EMPTY = ("", '{"version": 1, "env_vars": {}}')
"""What a file says of which only our part was there."""


@dataclass(frozen=True, repr=False)
class GuardStatus(Shown):
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
        pins = tuple(
            f"removed from conda-meta/pinned because it contradicts the lock: {p}" for p in self.removed_pins
        )
        if self.active:
            title = f"{where}: {self.held} packages held since {self.since}"
            return Card(title=title, verdict="ok", word="guarded", details=pins)
        if self.state == "on":
            title = f"{where}: guarded since {self.since}, but incomplete"
            return Card(title=title, verdict="doubtful", details=(*self.undone, *pins), next="`bootstrap guard on`")
        told = f"turned off on {self.since}" if self.state == "off" else "never guarded"
        on = f"`{command('guard on', prefix=self.prefix)}` turns it on"
        details = (*self.undone, *pins)
        return Card(title=f"{where}: {told}", verdict="doubtful", word="off", details=details, next=on)

    def to_dict(self) -> dict[str, Any]:
        """The status as JSON-ready data."""
        return {**fields_of(self), "active": self.active}


def on(prefix: str | PathLike[str] | None = None, lock: str | PathLike[str] | None = None) -> GuardStatus:
    """Guards a prefix; done twice it is as done once.

    Args:
        prefix: A conda environment; the running one's unless given.
        lock: Path or address of what is to be held; the packages of the last restore unless given.

    Raises:
        PrefixError: There is no conda environment, or it can't be written.
        GuardNothingLockedError: Nothing says what is locked.
        GuardConfigurationError: The prefix's pip.conf or conda-meta/state can't be read.
        LockError: The lock can't be used.
    """
    prefix, path = _place(prefix), None if lock is None else local_path(lock, default_cache())
    held = held_packages(prefix, path)
    with config_files.holding(prefix):
        before = _read(prefix)
        if before.get("state") != "on":  # else switching on again keeps the original time
            made = [name for name, file in _paths(prefix).items() if not file.exists()]
            before = {"since": _now(), "made": made}
        texts = _texts(prefix)
        pinned, removed = config_files.with_pins(texts["pinned"], pin_lines(held))
        wanted = {
            "constraints": config_files.constraints_text(constraint_lines(prefix, held, config_files.REASON)),
            "conf": config_files.with_constraint(prefix, texts["conf"]),
            "pinned": pinned,
            "state": config_files.with_variable(prefix, texts["state"], on=True),
        }
        entry = {
            "schema": SCHEMA,
            "state": "on",
            "since": before.get("since", ""),
            "held": len(held),
            "removed_pins": list(dict.fromkeys([*before.get("removed_pins", []), *removed])),
            "made": before.get("made", []),
            "lock": path and str(path.absolute()),
        }
        # First what is going to happen: whoever finds it unfinished knows which pins are whose, and where to go on.
        _write(prefix, {**entry, "unfinished": "on"})
        _put(prefix, wanted)
        if Path(sys.prefix).resolve() == prefix.resolve():
            # What this process starts is to be held, too.
            os.environ.update(config_files.in_environment(prefix, os.environ))
        _write(prefix, entry)
    return status(prefix)


def off(prefix: str | PathLike[str] | None = None) -> GuardStatus:
    """Takes the guard away and notes when; does nothing where there is none.

    Raises:
        PrefixError: There is no conda environment, or it can't be written.
    """
    prefix = _place(prefix)
    require_environment(prefix)
    with config_files.holding(prefix):
        before = _read(prefix)
        texts = _texts(prefix)
        pinned, _ = config_files.with_pins(texts["pinned"], [], back=before.get("removed_pins", []))
        wanted: dict[str, str | None] = {
            "pinned": pinned,
            "conf": config_files.without_ours(texts["conf"]),
            "state": config_files.with_variable(prefix, texts["state"], on=False),
        }
        if before.get("state") != "on" and wanted == {name: texts[name] for name in wanted}:
            return status(prefix)
        made = before.get("made", wanted)
        wanted = {name: None if name in made and text in _EMPTY else text for name, text in wanted.items()}
        if before:
            _write(prefix, {**before, "state": "on", "unfinished": "off"})
        _put(prefix, {**wanted, "constraints": None})
        _leave(prefix)
        _write(prefix, {"schema": SCHEMA, "state": "off", "since": _now(), "by": shown(" ".join(sys.argv[:3]))})
    return status(prefix)


def _place(prefix: str | PathLike[str] | None) -> Path:
    return absolute(Path(sys.prefix if prefix is None else prefix))


def _paths(prefix: Path) -> dict[str, Path]:
    """The files that the guard writes, in the order in which it does."""
    return {
        "constraints": config_files.constraints_path(prefix),
        "conf": prefix / "pip.conf",
        "pinned": config_files.pinned_path(prefix),
        "state": prefix / META_DIR / "state",
    }


def _texts(prefix: Path) -> dict[str, str]:
    for path in (*_paths(prefix).values(), prefix / META_DIR / STATE_FILE):
        config_files.require_plain(path)
        cleared_beside(path)
    return {name: config_files.read(path) for name, path in _paths(prefix).items()}


def _put(prefix: Path, texts: Mapping[str, str | None]) -> None:
    for name, path in _paths(prefix).items():
        config_files.put(path, texts[name])


def status(prefix: str | PathLike[str] | None = None) -> GuardStatus:
    """Whether a prefix is guarded, since when, and whether anything of it was undone by hand.

    Raises:
        PrefixError: There is no conda environment.
    """
    prefix = _place(prefix)
    require_environment(prefix)
    entry = _read(prefix)
    paths, texts = _paths(prefix), {name: config_files.read(path) for name, path in _paths(prefix).items()}
    if not entry:
        parts = [str(paths[name]) for name in ("conf", "pinned") if config_files.BEGIN in texts[name]]
        told = f"parts of a guard remain in {', '.join(parts)}: `bootstrap guard off` removes them"
        return GuardStatus(prefix, "never", undone=(told,) if parts else ())
    undone = []
    if entry["state"] == "on":
        if unfinished := entry.get("unfinished"):
            undone.append(f"`bootstrap guard {unfinished}` was interrupted: run it again")
        if config_files.BEGIN not in texts["pinned"]:
            undone.append(f"{paths['pinned']}: the locked pins are missing")
        if not texts["constraints"]:
            undone.append(f"{paths['constraints']}: missing")
        if paths["constraints"].as_uri() not in texts["conf"]:
            undone.append(f"{paths['conf']}: does not name the constraints")
        if not config_files.names_ours(prefix, texts["state"]):
            undone.append(f"{paths['state']}: does not name the constraints, so uv ignores them")
    return GuardStatus(
        prefix=prefix,
        state=str(entry["state"]),
        since=entry.get("since", ""),
        held=entry.get("held", 0),
        removed_pins=tuple(entry.get("removed_pins", ())),
        undone=tuple(undone),
    )


def _leave(prefix: Path) -> None:
    path = config_files.constraints_path(prefix)
    for name in (config_files.UV_VARIABLE, config_files.PIP_VARIABLE):
        present = os.environ.get(name, "").split()
        kept = [item for item in present if item not in (str(path), path.as_uri())]
        if kept != present:
            os.environ[name] = " ".join(kept)
            if not kept:
                del os.environ[name]


def _read(prefix: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads((prefix / META_DIR / STATE_FILE).read_bytes())
        known = data["schema"] == SCHEMA and data["state"] in ("on", "off") and isinstance(data.get("held", 0), int)
        texts = [data.get("since", ""), *data.get("removed_pins", []), *data.get("made", [])]
        return data if known and all(isinstance(text, str) for text in texts) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _write(prefix: Path, entry: dict[str, Any]) -> None:
    config_files.put(prefix / META_DIR / STATE_FILE, json.dumps(entry, indent=1) + "\n")


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")
