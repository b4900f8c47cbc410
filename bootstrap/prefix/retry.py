"""How long faults of server and network are tried again, and with which pauses."""

from __future__ import annotations

from bootstrap.errors import BootstrapError, ServerError

RETRY_BUDGET = 180.0
"""Seconds in which faults of server and network are tried again, from the first fault on."""
UNHEARD_BUDGET = 20.0
"""The same for a channel of which nothing was ever heard: there is likely no network, or no such server."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


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

    def pause_after(self, error: BootstrapError, now: float) -> float | None:
        """Seconds to wait before the next attempt; None where it is time to give up.

        Args:
            error: What the attempt ended with.
            now: Seconds of any clock that never goes back.
        """
        self._failing_since = now if self._failing_since is None else self._failing_since
        self.heard = self.heard or isinstance(error, ServerError)
        budget = self._budget if self.heard else min(self._budget, UNHEARD_BUDGET)
        pause = self._pause
        if now + pause > self._failing_since + budget:
            return None
        self._pause = min(pause * 2, LONGEST_PAUSE)
        return pause
