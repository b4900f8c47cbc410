"""How long faults of server and network are tried again, and with which pauses."""

from __future__ import annotations

from typing import Any

from bootstrap.errors import BootstrapError, ServerError

RETRY_BUDGET = 180.0
"""Seconds in which faults of server and network are tried again, from the first fault on."""
UNHEARD_BUDGET = 20.0
"""The same for a channel of which nothing was ever heard: there is likely no network, or no such server."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
SLOWEST = 1_000
"""Bytes a second, of all downloads together; what is slower for as long as a stall may last is given up."""


class Retries:
    """The faults of one job, and the pauses after them.

    Args:
        budget: Seconds of retrying in all; fewer where nothing ever comes from the channel.
    """

    def __init__(self, budget: float = RETRY_BUDGET) -> None:
        self._budget = budget
        self._failing_since: float | None = None
        self._pause = FIRST_PAUSE
        self.heard = False
        """Whether anything ever came from the channel."""

    def pause_after(self, error: BootstrapError, now: float, since: float | None = None) -> float | None:
        """Seconds to wait before the next attempt; None where it is time to give up.

        Args:
            error: What the attempt ended with.
            now: Seconds of any clock that never goes back.
            since: When things last went forward; now unless given.
        """
        self._failing_since = (since or now) if self._failing_since is None else self._failing_since
        self.heard = self.heard or isinstance(error, ServerError)
        budget = self._budget if self.heard else min(self._budget, UNHEARD_BUDGET)
        # A server that asks for more time than there is won't be better within it.
        pause = max(self._pause, getattr(error, "retry_after", None) or 0.0)
        if now + pause > self._failing_since + budget:
            return None
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return pause


class Pace:
    """Whether an engine's work goes forward.

    Args:
        seconds: How long it may say nothing, or have next to nothing come.
        now: Seconds of any clock that never goes back.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self.since = now
        """When it last went forward."""
        self._base = 0
        self._bytes = 0

    def hear(self, event: dict[str, Any], now: float) -> None:
        """Takes an event."""
        if event["event"] == "bytes":
            self._bytes = event["done"]
            if self._bytes - self._base < SLOWEST * self._seconds:
                return
        self._base, self.since = self._bytes, now

    def trickles(self, now: float) -> str:
        """What came in all that time, in words; empty where it was enough, or the time isn't over."""
        if now - self.since < self._seconds:
            return ""
        return f"{self._bytes - self._base} bytes in {now - self.since:.0f} s"
