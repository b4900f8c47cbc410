"""What a change of the environment means to the running kernel, in words."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.guard import files
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 6
_LOADED = "restart the runtime before you go on"


@dataclass(frozen=True)
class Change:
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
    """Names among the removed and moved that the guard holds."""
    restored: bool = False
    """Whether numpy on disk is now what is loaded, after a time at which it was not."""
    prefix: Path = Path()

    @classmethod
    def between(
        cls, before: Mapping[str, str], after: Mapping[str, str], *, numpy_touched: bool, prefix: Path
    ) -> Change:
        """The difference of two looks, with what this process has loaded of it."""
        numpy = sys.modules.get("numpy")
        memory = str(getattr(numpy, "__version__", "")) if numpy is not None else ""
        changed = [name for name in before if before[name] != after.get(name)]
        held = _held(files.read(files.constraints_path(prefix)))
        back = memory and before.get("numpy") != memory and after.get("numpy") == memory
        return cls(
            added=tuple(f"{name} {after[name]}" for name in sorted(set(after) - set(before))),
            removed=tuple(f"{name} {before[name]}" for name in sorted(set(before) - set(after))),
            moved=tuple(f"{name} {before[name]} -> {after[name]}" for name in sorted(changed) if name in after),
            loaded=tuple(name for name in changed if _is_loaded(name)),
            numpy_memory=memory,
            numpy_disk=after.get("numpy", ""),
            numpy_touched=numpy_touched or before.get("numpy") != after.get("numpy"),
            locked=tuple(name for name in changed if name in held),
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
        if self.stale_numpy:
            there = f"numpy on disk is now {self.numpy_disk}" if self.numpy_disk else "numpy is gone from disk"
            lines.append(f"{there}, this kernel has {self.numpy_memory} loaded: {_LOADED},")
            lines.append(f"or undo it with {self._undo()}")
        elif self.restored:
            lines.append(f"numpy on disk is {self.numpy_disk} again, as this kernel has it loaded.")
        elif self.numpy_touched and self.numpy_memory:
            lines.append(f"numpy {self.numpy_disk} was written anew: `bootstrap.check()` tells whether it is whole.")
        others = [name for name in self.loaded if name != "numpy"]
        if others:
            lines.append(f"loaded here and changed on disk: {_some(others)}; {_LOADED}.")
        changes = [*self.moved, *(f"{item} removed" for item in self.removed)]
        if changes:
            lines.append(f"changed: {_some(changes)}")
        if self.added:
            calm = "" if self.grave else "; nothing that is loaded or locked was changed"
            lines.append(f"installed: {_some(self.added)}{calm}")
        if self.locked and not self.stale_numpy:
            lines.append(f"no longer as locked: {_some(self.locked)}; `bootstrap.check(repair=True)` puts it back.")
        return lines or ["numpy's files have changed: `bootstrap.check()` tells whether it is whole."]

    def _undo(self) -> str:
        if "numpy" in self.locked or (self.prefix / "conda-meta" / "condacolab-bootstrap").is_file():
            return "`bootstrap.check(repair=True)`, which puts the locked files back."
        return f"`pip install --force-reinstall --no-deps numpy=={self.numpy_memory}`."


def describe_refusal(source: str, constraints: str) -> list[str]:
    """Which held packages a failed install command names.

    Args:
        source: The cell.
        constraints: The text of the constraints file.
    """
    held = _held(constraints)
    words = {_plain(word) for word in re.findall(r"[A-Za-z][A-Za-z0-9._-]*", source)}
    named = [f"{name} {version}" for name, version in held.items() if name in words]
    lines = [f"This environment is locked: pip and uv may not replace any of its {len(held)} packages."]
    if named:
        lines.append(f"Held here: {_some(named)}.")
    lines.append("What asks for other versions of them is refused; `bootstrap guard off` lifts that.")
    return lines


def to_bundle(lines: list[str], *, grave: bool) -> dict[str, str]:
    """The lines as a notebook shows them, with plain text for everything else."""
    lines = [shown(line) for line in lines]
    mark, colour = ("warning", "#b3261e") if grave else ("note", "#57606a")
    body = "<br>".join(escape(line) for line in lines)
    html = (
        f'<div role="{"alert" if grave else "status"}" style="font:13px/1.5 system-ui,sans-serif;color:inherit;'
        f'border-left:4px solid {colour};padding:2px 10px;margin:4px 0">'
        f"<strong>bootstrap {mark}:</strong> {body}</div>"
    )
    return {"text/plain": f"bootstrap {mark}: " + "\n  ".join(lines), "text/html": html}


def _held(constraints: str) -> dict[str, str]:
    """Normalized names and versions in a constraints file."""
    return {_plain(n): v for n, v in re.findall(r"^([A-Za-z0-9._-]+)==([^,\s]+)", constraints, re.MULTILINE)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _some(items: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def _is_loaded(name: str) -> bool:
    return name in sys.modules or name.replace("-", "_") in sys.modules
