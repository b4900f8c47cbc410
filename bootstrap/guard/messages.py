"""What a change of the environment means to the running kernel, in words."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.listing import joined
from bootstrap._util.names import canonical_name
from bootstrap.card import Card
from bootstrap.guard import config_files
from bootstrap.prefix.locked import locked_version, next_step
from bootstrap.provenance import admits

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 6
_REQUIREMENT = re.compile(
    r"(?<![\w.-])([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*((?:(?:[<>=!~]=|[<>])\s*[0-9][\w.*+!]*,?\s*)+)"
)
"""A name, extras, and bounds with versions."""


@dataclass(frozen=True)
class CellChanges:
    """What differs from the last look."""

    added: tuple[str, ...] = ()
    """``name version``."""
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """``name old -> new``."""
    loaded: tuple[str, ...] = ()
    """Names among the removed and moved that this process has loaded."""
    numpy_memory: str = ""
    """Version of the loaded numpy; empty where none is loaded."""
    numpy_disk: str = ""
    numpy_touched: bool = False
    """Whether numpy's own files changed, whatever their version."""
    locked: tuple[str, ...] = ()
    """Names among the removed and moved that the guard holds in another version."""
    restored: bool = False
    """Whether numpy on disk is now what is loaded, after a time at which it was not."""
    prefix: Path = Path()

    @classmethod
    def between(
        cls, before: Mapping[str, str], after: Mapping[str, str], *, numpy_touched: bool, prefix: Path
    ) -> CellChanges:
        """The difference of two looks, with what this process has loaded of it."""
        numpy = sys.modules.get("numpy")
        told = getattr(sys.modules.get("numpy.version"), "version", None) or getattr(numpy, "__version__", "")
        memory = str(told) if numpy is not None else ""
        changed = [name for name in before if before[name] != after.get(name)]
        held = _held(config_files.read(config_files.constraints_path(prefix)))
        back = memory and before.get("numpy") != memory and after.get("numpy") == memory
        return cls(
            added=tuple(f"{name} {after[name]}" for name in sorted(set(after) - set(before))),
            removed=tuple(f"{name} {before[name]}" for name in sorted(set(before) - set(after))),
            moved=tuple(f"{name} {before[name]} -> {after[name]}" for name in sorted(changed) if name in after),
            loaded=tuple(name for name in changed if _is_loaded(name)),
            numpy_memory=memory,
            numpy_disk=after.get("numpy", ""),
            numpy_touched=numpy_touched or before.get("numpy") != after.get("numpy"),
            locked=tuple(name for name in changed if name in held and after.get(name) != held[name]),
            restored=bool(back),
            prefix=prefix,
        )

    @property
    def stale_numpy(self) -> bool:
        """Whether the loaded numpy is no longer the one on disk."""
        return bool(self.numpy_memory) and self.numpy_touched and self.numpy_memory != self.numpy_disk

    @property
    def worth_telling(self) -> bool:
        """Whether anything changed that a user should know of."""
        return bool(self.added or self.removed or self.moved or self.numpy_touched)

    @property
    def grave(self) -> bool:
        """Whether something loaded or locked is concerned."""
        return bool(self.stale_numpy or self.loaded or self.locked)

    def to_lines(self) -> list[str]:
        """What changed, and what it means."""
        lines = []
        step = next_step(self.prefix, memory=self.numpy_memory, disk=self.numpy_disk)
        if self.locked:
            step = "`bootstrap.check(repair=True)` puts the locked files back"
            if self.stale_numpy and "numpy" not in self.locked:
                step += ", then restart the runtime"
        if self.stale_numpy:
            there = f"numpy on disk is now {self.numpy_disk}" if self.numpy_disk else "numpy is gone from disk"
            lines.append(f"{there}, this kernel has {self.numpy_memory} loaded: {step}.")
        elif self.restored:
            lines.append(f"numpy on disk is {self.numpy_disk} again, as this kernel has it loaded.")
        elif self.numpy_touched and self.numpy_memory:
            lines.append(f"numpy {self.numpy_disk} was reinstalled: run `bootstrap.check()` to verify it.")
        others = [name for name in self.loaded if name != "numpy"]
        if others:
            lines.append(
                f"loaded here and changed on disk: {joined(others, _SHOWN)}{'' if self.stale_numpy else f'; {step}'}."
            )
        changes = [*self.moved, *(f"{item} removed" for item in self.removed)]
        if changes:
            lines.append(f"changed: {joined(changes, _SHOWN)}")
        if self.added:
            calm = "" if self.grave else "; nothing loaded or locked has changed"
            lines.append(f"installed: {joined(self.added, _SHOWN)}{calm}")
        if self.locked and not (self.stale_numpy or others):
            lines.append(f"no longer as locked: {joined(self.locked, _SHOWN)}; {step}.")
        return lines or ["numpy's files have changed: run `bootstrap.check()` to verify it."]


def describe_start(prefix: Path, disk: str) -> list[str]:
    """What a kernel says that begins in a restored prefix whose numpy is not the locked one; else nothing.

    Args:
        prefix: The environment.
        disk: The version of numpy on disk; empty for none.
    """
    locked = locked_version(prefix, "numpy")
    if not locked or disk == locked:
        return []
    there = f"numpy {disk} is" if disk else "no numpy is"
    return [f"{there} on disk, where numpy {locked} is locked: {next_step(prefix, memory='', disk=disk)}."]


def describe_refusal(source: str, constraints: str) -> list[str]:
    """Which held packages a failed install command asks for in another version; nothing where it asks for none.

    Args:
        source: The cell, with what the files of requirements say that it names.
        constraints: The text of the constraints file.
    """
    held = _held(constraints)
    refused = {
        name: f"{name} {held[name]}"
        for word, wanted in _REQUIREMENT.findall(source)
        if (name := canonical_name(word)) in held and not admits(wanted, held[name])
    }
    if not refused:
        return []
    return [
        f"This environment is locked: pip and uv may not replace any of its {len(held)} packages.",
        f"Held here: {joined(list(refused.values()), _SHOWN)}.",
        "Installs that need other versions are refused; `bootstrap.guard.off()` allows them.",
    ]


def to_card(lines: list[str], *, grave: bool) -> Card:
    """The lines as they are shown below a cell."""
    return Card(
        title=lines[0],
        verdict="broken" if grave else "note",
        word=f"bootstrap {'warning' if grave else 'note'}",
        about="\n".join(lines[1:]),
    )


def _held(constraints: str) -> dict[str, str]:
    """Normalized names and versions in a constraints file."""
    return {canonical_name(n): v for n, v in re.findall(r"^([A-Za-z0-9._-]+)==([^,\s]+)", constraints, re.MULTILINE)}


def _is_loaded(name: str) -> bool:
    return name in sys.modules or name.replace("-", "_") in sys.modules
