"""One step of a notebook's replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootstrap.diagnosis.model import Finding


@dataclass(frozen=True)
class ReplayStep:
    """One command, or one restart, and where it left numpy."""

    cell: int
    line: int
    text: str
    kind: str
    """``install``, ``uninstall``, ``restart``, ``skipped`` or ``unread``."""
    memory: str | None
    """The numpy that the kernel has loaded afterwards, if what may not run didn't."""
    disk: str | None
    """The numpy that a new process would load, likewise."""
    finding: Finding | None = None
    note: str = ""
    symptom: str = ""
    """What one sees first, where memory and disk differ."""
    condition: str = ""
    """Why it may not run; what it would do is told, and not counted as done."""
    may_part: bool = False
    """Whether memory and disk may differ, depending on what may not run."""
    real: tuple[str, ...] = ()
    """What failed for real in the process that had numpy loaded, with ``install``."""

    @property
    def parted(self) -> bool:
        """Whether memory and disk differ, whatever ran of that which may not."""
        return not self.may_part and self.memory is not None and self.memory != self.disk

    @property
    def moves(self) -> bool:
        """Whether this command itself moved numpy, or would if it ran."""
        return self.finding is not None and self.finding.moves
