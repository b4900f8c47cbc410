"""Child processes that end when this one does, however it does: killed by SIGKILL too.

For those that run to their end while they are waited for. Others read their stdin, and leave at its end.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied() -> Callable[[], None]:
    """What ties a child to this process: a `preexec_fn`. Its death is that of the thread that started it."""
    parent, prctl = os.getpid(), ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended before
            os._exit(1)

    return tie


def tie_to_parent() -> None:
    """Ties this process to the one that started it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
