"""The two environments that one specification is solved into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.included import places
from bootstrap.lock.model import LOCK_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.lock.model import Record

MEGABYTE = 1_000_000

# conda-forge's names: the toolkit's packages, the metapackage that pins it, and build strings such as
# cuda129_mkl_py313_h123_300.
_CUDA_NAME = re.compile(r"cuda-|cudatoolkit$|libcublas|libcudnn|cudnn$|nccl$")
_CUDA_BUILD = re.compile(r"(^|_)cuda\d*(_|$)")


@dataclass(frozen=True)
class LockVariant:
    """One of the locks."""

    name: str
    title: str
    lock_name: str
    virtual_packages_name: str
    budget: int
    """Most bytes that the archives of the lock may have together."""
    cuda: bool

    def __str__(self) -> str:
        return self.name

    def virtual_packages(self, folder: Path) -> Path:
        """The machine to solve for: the folder's own file, else the included one, which is Colab's."""
        return next(
            p for p in (folder / self.virtual_packages_name, *places(self.virtual_packages_name)) if p.is_file()
        )


CPU = LockVariant("cpu", "CPU", LOCK_NAMES["cpu"], "virtual-packages.yml", 600 * MEGABYTE, cuda=False)
CUDA = LockVariant("cuda", "NVIDIA GPU", LOCK_NAMES["cuda"], "virtual-packages-cuda.yml", 4600 * MEGABYTE, cuda=True)
VARIANTS = (CPU, CUDA)


def select(name: str) -> tuple[LockVariant, ...]:
    """The variants meant by ``cpu``, ``cuda`` or ``all``."""
    return VARIANTS if name == "all" else tuple(v for v in VARIANTS if v.name == name)


def needs_cuda(record: Record) -> bool:
    """Whether a record is part of CUDA or built against it."""
    return bool(_CUDA_NAME.match(record.name) or _CUDA_BUILD.search(record.build))
