"""Is there room for the environment?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bootstrap.console import megabytes
from bootstrap.errors import DiskSpaceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bootstrap.lock import Record

UNPACKED_RATIO = 4.0
"""Bytes on disk for a byte of archive, at least: `python -m benchmarks.restore` prints the payload's own."""


def require_space(fetch: Iterable[Record], places: Iterable[Path], need: int | None = None) -> int:
    """Raises unless the packages to fetch fit.

    Args:
        fetch: The records to fetch; those whose size the lock doesn't state count as nothing.
        places: Folders that will be written to. Prefix and cache share files where they share a file system.

        need: Bytes that they need, where that is known; estimated otherwise.

    Returns:
        The bytes needed on each file system, estimated low: this refuses what can't fit, not what may be tight.

    Raises:
        DiskSpaceError: Too little room, before anything was written.
    """
    if need is None:
        need = int(sum(r.size or 0 for r in fetch) * UNPACKED_RATIO)
    seen: set[int] = set()
    for place in places:
        existing = next(p for p in (place, *place.parents) if p.exists())
        device = existing.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        stats = os.statvfs(existing)
        free = stats.f_bavail * stats.f_frsize
        if free < need:
            raise DiskSpaceError(
                "Not enough disk space for the environment.",
                evidence=[f"{existing}: {megabytes(free)} free, at least {megabytes(need)} needed"],
            )
    return need
