"""Keeps an environment as it was proven: an install that would replace a locked package is refused.

`on` writes what conda, pip and uv read by themselves: conda's pins, and constraints that hold each locked
distribution at its version. Everything else installs. `off` takes it back, and leaves a note of that, so that a
later check can tell. `tripwire` watches from within a notebook's kernel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.guard.switch import GuardStatus, read_status, switch_off, switch_on
from bootstrap.lock.address import local_path
from bootstrap.prefix.cache import default_cache
from bootstrap.prefix.place import absolute

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["GuardStatus", "off", "on", "status"]


def __dir__() -> list[str]:
    """The verbs, for Tab and ``dir``."""
    return ["off", "on", "status"]


def on(prefix: str | PathLike[str] | None = None, lock: str | PathLike[str] | None = None) -> GuardStatus:
    """Guards a prefix; done twice it is as done once.

    Args:
        prefix: A conda environment; the running one's unless given.
        lock: Path or address of what is to be held; the packages of the last restore unless given.

    Raises:
        PrefixError: There is no conda environment, or it can't be written.
        GuardNothingLockedError: Nothing says what is locked.
        GuardConfigurationError: The prefix's pip.conf or conda-meta/state can't be read.
        LockError: The lock can't be used.
    """
    return switch_on(_place(prefix), None if lock is None else local_path(lock, default_cache()))


def off(prefix: str | PathLike[str] | None = None) -> GuardStatus:
    """Takes the guard away and notes when; does nothing where there is none.

    Raises:
        PrefixError: There is no conda environment, or it can't be written.
    """
    return switch_off(_place(prefix))


def status(prefix: str | PathLike[str] | None = None) -> GuardStatus:
    """Whether a prefix is guarded, since when, and whether anything of it was undone by hand.

    Raises:
        PrefixError: There is no conda environment.
    """
    return read_status(_place(prefix))


def _place(prefix: str | PathLike[str] | None) -> Path:
    return absolute(Path(sys.prefix if prefix is None else prefix))
