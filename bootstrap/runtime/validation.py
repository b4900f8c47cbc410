"""The environment is proven before a kernel moves there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import health
from bootstrap.errors import UnhealthyError
from bootstrap.progress import Step

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.lock import Lock
    from bootstrap.prefix.compare import Comparison
    from bootstrap.progress import Progress

_PROBE_SECONDS = 120.0
"""The first import in a new environment compiles its modules, perhaps on a slow, busy machine."""


def require_healthy(
    prefix: Path, lock: Lock, *, live: bool, compared: Comparison, again: bool, progress: Progress
) -> None:
    """Examines numpy in a prefix, and in this process too where it is a kernel in that prefix.

    Args:
        prefix: The environment.
        lock: What it should contain.
        live: Whether this process runs in it.
        compared: How it differs from the lock: it was just restored from it, or compared with it.
        again: Whether it was proven before it came into its place, and nothing of it has changed since. Then numpy is
            examined again, but what stands on numpy is not imported once more.
        progress: Receives the states of the work.

    Raises:
        UnhealthyError: Something is broken.
    """
    report = health.check(
        prefix,
        lock=lock,
        imports=() if again else None,
        full=False,
        live=live,
        compared=compared,
        timeout=_PROBE_SECONDS,
        progress=lambda stage: progress.step(Step(stage)),
    )
    broken = [cause for cause in report.causes if cause.severity == "broken"]
    if broken:
        worst = broken[0]
        evidence = [*worst.evidence[:6], *(f"also: {cause.summary}" for cause in broken[1:])]
        raise UnhealthyError(worst.summary, evidence=evidence, hint=worst.repair or None)
