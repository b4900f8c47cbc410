"""A real conda channel from PyPI wheels, for machines that conda-forge can't be reached from.

``ensure_channel`` builds the one for environment.yml, ``serve`` offers a folder over http (with faults where
wanted), ``TinyChannel`` is for tests that need a few small packages of their own.
"""

from __future__ import annotations

from .build import LocalChannel, ensure_channel
from .server import ChannelServer, Fault, serve
from .target import ChannelError
from .tiny import Executable, Placeholder, Symlink, TinyChannel

__all__ = [
    "ChannelError",
    "ChannelServer",
    "Executable",
    "Fault",
    "LocalChannel",
    "Placeholder",
    "Symlink",
    "TinyChannel",
    "ensure_channel",
    "serve",
]
