"""What `bootstrap.run()` says at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.card import Card, Shown

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.profile import Profile

ACTIONS = {
    "moves": "every cell from the next one on runs in the locked environment",
    "inside": "this kernel runs in the locked environment",
    "restart": "restart the session: kernels start in the locked environment",
    "registered": "choose this kernel in the notebook's menu",
}


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """A notebook runtime that is ready, and how it came to be. Shows itself as a card."""

    action: str
    """``moves``, ``inside``, ``restart`` (a kernel has to be restarted) or ``registered`` (off Colab)."""
    prefix: Path
    lock: Path
    origin: str
    """Where the lock came from, for people."""
    variant: str
    reason: str
    """Why this variant."""
    machine: str
    python: str
    numpy: str
    pytorch: str
    """Empty where the lock has none."""
    packages: int
    restored: str
    """What the restore did: ``created``, ``updated``, ``repaired``, ``unchanged``."""
    seconds: float
    """Wall time in all."""
    kernel: str = ""
    """The kernel's name, where one was registered."""
    profile: Profile | None = None
    """Where the time went, if that was asked for."""

    @property
    def card(self) -> Card:
        """The same for people."""
        rows = [
            ("environment", f"`{self.prefix}`: {self.packages} packages, {self.restored}"),
            ("lock", self.origin),
            ("numpy", f"{self.numpy} under Python {self.python}, verified"),
            *([("pytorch", self.pytorch)] if self.pytorch else []),
            ("variant", f"{self.variant}: {self.reason}"),
            ("took", f"{self.seconds:.1f} s"),
        ]
        if self.kernel:
            rows.insert(0, ("kernel", self.kernel))
        details = tuple(self.profile.lines()) if self.profile else ()
        return Card(title=ACTIONS[self.action], verdict="ok", word="ready", rows=tuple(rows), details=details)
