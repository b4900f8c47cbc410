"""Keeps an environment as it was proven: an install that would replace a locked package is refused.

`on` writes what conda, pip and uv read by themselves: conda's pins, and constraints that hold each locked
distribution at its version. Everything else installs. `off` takes it back, and leaves a note of that, so that a
later check can tell. `tripwire` watches from within a notebook's kernel.
"""

from __future__ import annotations

from bootstrap.guard.switch import GuardStatus, off, on, status

__all__ = ["GuardStatus", "off", "on", "status"]


def __dir__() -> list[str]:
    """The verbs, for Tab and ``dir``."""
    return ["off", "on", "status"]
