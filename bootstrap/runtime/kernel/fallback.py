"""The machine's original kernel, for when the locked environment's can't start: the session is never lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ORIGINAL_VARIABLE = "CONDACOLAB_BOOTSTRAP_ORIGINAL"
"""The interpreter that kernels were started with before, in the environment of those started instead."""
REAL_SUFFIX = ".real"
"""Appended to the name of the original interpreter; condacolab's own suffix."""
REASON_VARIABLE = "CONDACOLAB_BOOTSTRAP_FALLBACK"
"""Why the original kernel was started."""


def available() -> bool:
    """Whether there is an original interpreter to fall back to."""
    return bool(os.environ.get(ORIGINAL_VARIABLE))


def become_original(arguments: Sequence[str], reason: str) -> None:
    """Replaces this program by the original interpreter's, with the same kernel arguments. Does not return."""
    environment = dict(os.environ)
    original = environment.pop(ORIGINAL_VARIABLE)
    environment[REASON_VARIABLE] = reason
    # Under the name that it had before, which sys.executable then tells.
    name = original.removesuffix(REAL_SUFFIX)
    os.execve(original, [name, "-m", "bootstrap.runtime.kernel.launch", *arguments], environment)


def notice() -> str:
    """What to tell the user if this is a fallback; empty if it isn't. Tells it once."""
    reason = os.environ.pop(REASON_VARIABLE, "")
    if not reason:
        return ""
    return (
        "condacolab-bootstrap: the locked environment's kernel could not start, so this is the machine's original "
        f"one ({reason}). Run the first cell again to repair the environment and move into it."
    )
