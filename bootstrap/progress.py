"""What long work says about itself while it runs; how that is shown is the console's matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """A state of the work under way."""

    stage: str
    """What is being done, for a person: ``fetching``, ``verifying`` ..."""
    done: int = 0
    """Units finished so far."""
    total: int | None = None
    """Units in all, where known."""
    unit: str = "packages"
    """``packages``, ``files`` or ``bytes``."""
    detail: str = ""
    """More, for a person: a package's name, bytes beside packages."""
    bytes_done: int = 0
    """Bytes fetched so far."""
    bytes_total: int | None = None
    """Bytes to fetch in all, where known."""

    @property
    def amount(self) -> tuple[int, int | None]:
        """How much is done, and of how much: bytes where these are known, else units."""
        return (self.bytes_done, self.bytes_total) if self.bytes_total else (self.done, self.total)


class Progress(Protocol):
    """Receives the states of some work. Steps come from one thread, at most some ten a second; notes from any."""

    def step(self, step: Step) -> None:
        """The work has come this far."""

    def note(self, message: str) -> None:
        """Something worth a line of its own: a retry, a wait."""

    def close(self) -> None:
        """The work has ended, well or not."""


class NullProgress:
    """Shows nothing."""

    def step(self, step: Step) -> None:
        """Shows nothing."""

    def note(self, message: str) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Shows nothing."""
