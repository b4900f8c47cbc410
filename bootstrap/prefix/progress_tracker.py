"""Turns the engine's events into steps of progress, and remembers what was fetched and linked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bootstrap import profile
from bootstrap.progress import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.lock import Record
    from bootstrap.progress import Progress

_INTERVAL = 0.05
"""Seconds between two steps of one stage at least: a hundred packages may be linked in so long."""
_WORK = {"fetching": "fetch, verify, unpack, and link what has come", "linking": "link the rest"}
"""What the stages are in a profile."""


class ProgressTracker:
    """Follows one restore.

    Args:
        progress: Receives the steps.
        fetch: What has to be fetched.
    """

    def __init__(self, progress: Progress, fetch: Sequence[Record]) -> None:
        self.progress = progress
        self.sizes = {r.name: r.size for r in fetch}
        known = [r.size for r in fetch]
        self.bytes_total = sum(s for s in known if s) if all(known) and known else None
        self.names = set(self.sizes)
        self.cached: set[str] = set()
        self.linked: set[str] = set()
        """Names of what the engine wrote to the stage."""
        self.operations = 0
        self.bytes_done = 0
        """Bytes fetched."""
        self._base = 0
        self._told = ("", 0.0)
        self._begun: dict[str, float] = {}
        self._stage: tuple[str, float] | None = None

    def on_event(self, event: dict[str, Any]) -> None:
        """Takes one event of the engine."""
        kind, name = event["event"], event.get("name", "")
        if kind == "transaction":
            self.operations = event["operations"]
            # A retried engine counts from nothing again.
            self._base = sum(self.sizes.get(n) or 0 for n in self.cached)
        elif kind == "bytes":
            self.bytes_done = max(self.bytes_done, self._base + event["done"])
        elif kind == "fetching":
            self._begun[name] = time.monotonic()
        elif kind == "cached" and name in self.names:
            self.cached.add(name)
            if name in self._begun:
                profile.add(f"fetch, verify, unpack {name}", self._begun[name], part=True, lanes="fetch")
        elif kind == "linked":
            self.linked.add(name)
        stage = "fetching" if len(self.cached) < len(self.names) else "linking"
        last, when = self._told
        now = time.monotonic()
        if stage != last:
            self.close()
            self._stage = (_WORK[stage], time.monotonic())
        if stage != last or now - when >= _INTERVAL or len(self.linked) == self.operations:
            self._told = stage, now
            self.progress.step(self._step(stage, name if kind == "fetching" else ""))

    def close(self) -> None:
        """Ends the stage under way, for a profile."""
        if self._stage:
            profile.add(*self._stage)
        self._stage = None

    def _step(self, stage: str, name: str) -> Step:
        if stage == "linking":
            return Step(stage, len(self.linked), self.operations or None)
        return Step(
            stage,
            len(self.cached),
            len(self.names),
            bytes_done=self.bytes_done,
            bytes_total=self.bytes_total,
            detail=name,
        )
