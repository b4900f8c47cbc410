"""What a kernel's process holds on to after it has become a relay."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

_ACCELERATORS = ("/dev/nvidia", "/dev/accel", "/dev/vfio")
"""Beginnings of the names of NVIDIA's devices and of TPUs."""


def open_accelerators(descriptors: Path = Path("/proc/self/fd")) -> list[str]:
    """Devices that this process has open: as long as it lives, their memory, or they themselves, are taken.

    Args:
        descriptors: The folder of links to what is open.
    """
    found = set()
    for name in os.listdir(descriptors):
        with suppress(OSError):
            found.add(os.readlink(descriptors / name))
    return sorted(path for path in found if path.startswith(_ACCELERATORS))


def private_memory() -> int:
    """Bytes that only this process has; what is mapped from files is shared."""
    with open("/proc/self/smaps_rollup", encoding="utf-8") as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith("Private_"))


def let_go() -> None:
    """Gives back the memory that nothing refers to any more; objects that something refers to stay."""
    gc.collect()
    process = ctypes.CDLL(None)
    # tcmalloc's, which Colab preloads; else the C library's own.
    for name, arguments in (("MallocExtension_ReleaseFreeMemory", ()), ("malloc_trim", (0,))):
        with suppress(AttributeError):
            getattr(process, name)(*arguments)
