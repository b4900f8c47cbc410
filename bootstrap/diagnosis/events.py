"""What cells, their Python and their shell do, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bootstrap.diagnosis.installer_call import Command

EventKind = Literal["command", "restart", "file", "import", "condacolab", "conda", "path", "unread"]
"""An installer is called, the kernel restarts, a file is written, a module imported, a conda installed, by condacolab
or else, ``sys.path`` grows; or it can't be told."""
_ReadFurther = Literal["shell", "magic", "folder", "script", "python", "run"]
"""Some shell, one of a notebook's own lines, another working folder; a shell script, Python text or a file of it, run
in a process of its own."""


@dataclass(frozen=True)
class Event:
    """Something in a notebook that bears on what is installed or loaded."""

    kind: EventKind | _ReadFurther
    text: str
    """What stands there; of a file its path, from the notebook's folder; of a conda its prefix."""
    line: int = 1
    """Within the cell, from 1."""
    cell: int = 0
    """Counted from 1, code cells and others, as notebooks number them when read from the top."""
    command: Command | None = None
    content: str | None = ""
    """Of a file that is written; None where only running tells it."""
    append: bool = False
    """Whether it comes behind what the file holds."""
    condition: str = ""
    """Why it may not happen."""
    never: str = ""
    """Why it doesn't happen."""
    folder: str = ""
    """The working folder, from the notebook's; of what a shell does, from where the shell began."""
    owner: str = ""
    """The function that it stands in, where nothing has called that yet."""

    @property
    def where(self) -> str:
        """For a person."""
        return f"cell {self.cell}, line {self.line}"

    def under(self, condition: str, never: str) -> Event:
        """The same within what itself may not happen, or doesn't; a reason of its own stays."""
        return replace(self, condition=self.condition or condition, never=self.never or never)
