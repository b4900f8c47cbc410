"""What this machine offers to an environment."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.errors import UnsupportedMachineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.lock import Record

COLAB_MODULES = ("google.colab", "colab_kernel_launcher")
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
    supported = driver_cuda_version()
    if supported is None:
        return Variant("cpu", "no NVIDIA driver found")
    shown, needed = (".".join(map(str, v)) for v in (supported, CUDA_NEEDED))
    if supported < CUDA_NEEDED:
        return Variant("cpu", f"the NVIDIA driver supports CUDA {shown}, the GPU variant needs {needed}")
    return Variant("cuda", f"the NVIDIA driver supports CUDA {shown}")


@dataclass(frozen=True)
class Machine:
    """The machine and its notebook."""

    kind: str
    """``colab``, ``kaggle``, ``jupyter`` (some other notebook's kernel) or ``none`` (no notebook)."""
    python: str
    """Version of the Python that runs this."""
    glibc: str
    """Version of the C library; empty where it is another one."""
    memory: int
    """Bytes of main memory."""
    variant: Variant
    """Which lock fits, and why."""

    def __str__(self) -> str:
        names = {"colab": "Colab", "kaggle": "Kaggle", "jupyter": "Jupyter", "none": "no notebook"}
        return f"{names[self.kind]}, Python {self.python}, glibc {self.glibc or '?'}, {self.memory / 1e9:.0f} GB"


def detect(*, notebook: bool) -> Machine:
    """What this machine is.

    Args:
        notebook: Whether this process is a notebook's kernel.
    """
    if on_colab():
        kind = "colab"
    elif notebook:
        kind = "kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else "jupyter"
    else:
        kind = "none"
    libc, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    return Machine(
        kind=kind,
        python=platform.python_version(),
        glibc=version if libc == "glibc" else "",
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        variant=choose_variant(),
    )


def on_colab() -> bool:
    """Whether this is a Colab runtime: its kernels are started by a module that only it has."""
    from bootstrap.runtime.distributions import module_path

    return all(map(module_path, COLAB_MODULES))


def require_fit(machine: Machine, records: Iterable[Record]) -> None:
    """Sees to it that the locked packages run here.

    Raises:
        UnsupportedMachineError: Another platform, or a C library older than a package's ``__glibc`` allows.
    """
    here = f"{platform.system()} {platform.machine()}"
    if here != "Linux x86_64":
        raise UnsupportedMachineError("The locked environment can't run on this machine.", evidence=[here])
    if not machine.glibc:
        raise UnsupportedMachineError("The locked environment needs glibc.", evidence=[here, "another C library"])
    have = _numbers(machine.glibc)
    for record in records:
        lowest = re.match(r">=([\d.]+)", record.depends.get("__glibc", ""))
        if lowest and have < _numbers(lowest[1]):
            evidence = [f"{record} needs glibc {lowest[1]}", f"this machine has {machine.glibc}"]
            raise UnsupportedMachineError("This machine's C library is too old for the lock.", evidence=evidence)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
