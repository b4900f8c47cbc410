"""A Python to build for, as it would say of itself; none is asked."""

from __future__ import annotations

from pathlib import Path

from tests.support.channel.target import Target

TARGET = Target(
    executable=Path("/opt/python/bin/python3.11"),
    version="3.11.9",
    prefix=Path("/opt/python"),
    stdlib=Path("/opt/python/lib/python3.11"),
    include=Path("/opt/python/include/python3.11"),
    libdir=Path("/opt/python/lib"),
    ldlibrary="libpython3.11.so.1.0",
    wheels="",
    debian=False,
)
