"""Kills this process, or refuses its steps, at its n-th writing step: audit events tell of each before it is done."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = {
    "fcntl.flock",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "shutil.copytree",
    "shutil.rmtree",
    "subprocess.Popen",
}


def writes(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event changes something."""
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in STEPS


def at_step(number: int, strike: Callable[[str], None]) -> None:
    """Has something done before the n-th writing step of this process, from 1, and before each one after it.

    An audit hook can't be removed again: call it in a process that ends soon.
    """
    own, count = os.getpid(), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if writes(event, arguments) and os.getpid() == own:
            count += 1
            if count >= number:
                strike(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)


def kill_at(number: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Has this process killed before its n-th writing step."""
    at_step(number, lambda _: os.kill(os.getpid(), how))


def until(step: int, act: Callable[[], object]) -> bool:
    """Does something in a process of its own, which is killed before its n-th writing step; whether it was."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1] != 0
    kill_at(step)
    try:
        act()
    finally:
        os._exit(0)
