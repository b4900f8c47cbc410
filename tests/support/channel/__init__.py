"""A real conda channel from PyPI wheels, for machines that conda-forge can't be reached from."""

from __future__ import annotations

from .build import LocalChannel, ensure_channel
from .target import ChannelError

__all__ = ["ChannelError", "LocalChannel", "ensure_channel"]
