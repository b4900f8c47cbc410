"""What a kernel's process holds on to after it has become a relay."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

_NVIDIA = "/dev/nvidia"
_ACCELERATORS = (_NVIDIA, "/dev/accel", "/dev/vfio")
"""Beginnings of the names of NVIDIA's devices and of TPUs."""


def held_accelerators() -> list[str]:
    """Devices whose memory, or which themselves, are taken as long as this process lives.

    Who only asks whether there is a GPU opens its devices, too, and takes nothing: memory belongs to a CUDA context.
    """
    devices = open_devices()
    others = [device for device in devices if not device.startswith(_NVIDIA)]
    # Asked only where they are open: the question itself opens them.
    return devices if devices != others and has_cuda_context() else others


def open_devices(descriptors: Path = Path("/proc/self/fd")) -> list[str]:
    """Devices of accelerators that this process has open.

    Args:
        descriptors: The folder of links to what is open.
    """
    targets = set()
    for name in os.listdir(descriptors):
        with suppress(OSError):
            targets.add(os.readlink(descriptors / name))
    return sorted(path for path in targets if path.startswith(_ACCELERATORS))


def has_cuda_context(libcuda: str = "libcuda.so.1") -> bool:
    """Whether this process has an active CUDA context on any GPU; also if the driver doesn't say.

    Source: ``cuDevicePrimaryCtxGetState`` and ``cuCtxGetCurrent``; neither makes a context, and nor does ``cuInit``.

    Args:
        libcuda: The driver's library; without it there is none.
    """
    try:
        cuda = ctypes.CDLL(libcuda)
    except OSError:
        return False
    count, flags, active, current = ctypes.c_int(), ctypes.c_uint(), ctypes.c_int(), ctypes.c_void_p()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return True
    for device in range(count.value):
        if cuda.cuDevicePrimaryCtxGetState(device, ctypes.byref(flags), ctypes.byref(active)) or active.value:
            return True
    return bool(cuda.cuCtxGetCurrent(ctypes.byref(current)) or current.value)


def let_go() -> None:
    """Gives back the memory that nothing refers to any more; objects that something refers to stay."""
    gc.collect()
    process = ctypes.CDLL(None)
    # tcmalloc's, which Colab preloads; else the C library's own.
    for name, arguments in (("MallocExtension_ReleaseFreeMemory", ()), ("malloc_trim", (0,))):
        with suppress(AttributeError):
            getattr(process, name)(*arguments)
