"""Child processes that end when this one does, however it does: killed by SIGKILL too.

For those that run to their end while they are waited for. Others read their stdin, and leave at its end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def captured(command: Sequence[str], seconds: float | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """A child's output as text, of one that is `tied`; ``more`` goes to `subprocess.run`.

    Raises:
        OSError, subprocess.TimeoutExpired: It can't be started, or takes too long.
    """
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds, preexec_fn=tied(), **more
    )
