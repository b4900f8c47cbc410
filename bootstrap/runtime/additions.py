"""What a restore adds to a prefix beside the lock's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.errors import JournalError
from bootstrap.runtime.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.lock import Lock
    from bootstrap.progress import Progress
    from bootstrap.runtime.hosting import Hosting


def additions(lock: Lock, prefix: Path, progress: Progress) -> Hosting | None:
    """Where this machine's kernels run in the prefix, what they are started with; None for any other prefix.

    Raises:
        KernelNotLockedError: Kernels run there, and the lock lacks what they need.
    """
    try:
        journal = Journal()
    except JournalError:
        # Whoever needs the journal itself says so.
        return None
    if journal.empty or journal.facts.get("prefix") != str(prefix):
        return None
    # Most restores end here, without the kernel's modules.
    from bootstrap.lock import PLATFORM, validate
    from bootstrap.runtime.hosting import Hosting
    from bootstrap.runtime.machine import on_colab
    from bootstrap.runtime.needs import require_kernel

    records, colab = validate(lock, PLATFORM), on_colab()
    require_kernel(records, colab=colab)
    return Hosting(prefix, lock, records, colab, journal, progress)
