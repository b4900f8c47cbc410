"""What this machine offers to an environment."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

CUDA_NEEDED = (12, 8)
"""What conda-lock-cuda.yml is solved for: virtual-packages-cuda.yml says the same."""


@dataclass(frozen=True)
class Variant:
    """Which of the two locks fits, and why."""

    name: str
    """``cpu`` or ``cuda``."""
    reason: str


def driver_cuda_version() -> tuple[int, int] | None:
    """The highest CUDA version that the NVIDIA driver supports; None without a driver.

    Source: ``cuDriverGetVersion`` of the driver's own libcuda, which needs no initialisation and no GPU memory.
    """
    try:
        libcuda = ctypes.CDLL("libcuda.so.1")
        version = ctypes.c_int()
        if libcuda.cuDriverGetVersion(ctypes.byref(version)) != 0:
            return None
    except (OSError, AttributeError):
        return None
    return version.value // 1000, version.value % 1000 // 10


def choose_variant() -> Variant:
    """The variant for this machine."""
    found = driver_cuda_version()
    if found is None:
        return Variant("cpu", "no NVIDIA driver found")
    shown, needed = (".".join(map(str, v)) for v in (found, CUDA_NEEDED))
    if found < CUDA_NEEDED:
        return Variant("cpu", f"the NVIDIA driver supports CUDA {shown}, the GPU variant needs {needed}")
    return Variant("cuda", f"the NVIDIA driver supports CUDA {shown}")
