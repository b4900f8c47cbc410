"""The interpreter that the channel is built for and from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "BOOTSTRAP_CHANNEL_PYTHON"

# Answered by the interpreter itself; the base one where a virtual environment (or a pyenv shim) was named.
_FACTS = """
import json, os, sys, sysconfig
base = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps({
    "executable": os.path.realpath(base),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.base_prefix,
    "stdlib": sysconfig.get_path("stdlib"),
    "include": sysconfig.get_config_var("INCLUDEPY"),
    "libdir": sysconfig.get_config_var("LIBDIR"),
    "ldlibrary": sysconfig.get_config_var("INSTSONAME") or sysconfig.get_config_var("LDLIBRARY") or "",
    "wheels": sysconfig.get_config_var("WHEEL_PKG_DIR") or "",
    "debian": "deb_system" in sysconfig.get_scheme_names(),
}))
"""


class ChannelError(Exception):
    """The local channel can't be built; says why in one sentence."""


@dataclass(frozen=True)
class Target:
    """A CPython, as it says of itself.

    Attributes:
        executable: Its real binary, no link, no shim.
        version: Such as ``3.11.7``.
        prefix: Its base prefix.
        stdlib: The folder of its standard library.
        include: The folder of its headers (may be missing on disk).
        libdir: Where its shared libpython lies, if it has one.
        ldlibrary: The file name of that library.
        wheels: Folder with ensurepip's wheels where a distribution keeps them apart, else empty.
        debian: Whether it has Debian's schemes and needs them undone.
    """

    executable: Path
    version: str
    prefix: Path
    stdlib: Path
    include: Path
    libdir: Path
    ldlibrary: str
    wheels: str
    debian: bool

    @property
    def short(self) -> str:
        """``3.11``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """``311``, as build strings and ABI tags have it."""
        return self.short.replace(".", "")

    @property
    def site_packages(self) -> str:
        """Where packages lie in a prefix made of this Python."""
        return f"lib/python{self.short}/site-packages"

    @property
    def requirement(self) -> str:
        """The depends entry of a package that holds binaries for this Python."""
        minor = int(self.short.split(".")[1])
        return f"python >={self.short},<3.{minor + 1}.0a0"

    def identity(self) -> dict[str, Any]:
        """What tells this interpreter from another, cheap to compute: for cache keys."""
        status = self.executable.stat()
        return {
            "executable": str(self.executable),
            "version": self.version,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
        }


def _ask(executable: str | Path) -> Target | None:
    command = [str(executable), "-I", "-c", _FACTS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        facts = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    folders = {key: Path(facts.pop(key)) for key in ("executable", "prefix", "stdlib", "include", "libdir")}
    return Target(**folders, **facts)


def choose_target(executable: str | Path | None = None) -> Target:
    """The interpreter to build for.

    Args:
        executable: This one; by default the variable ``BOOTSTRAP_CHANNEL_PYTHON``, then ``python3.11`` on PATH,
            ``/usr/bin/python3.11``, pyenv's newest 3.11, and last the running one.

    Raises:
        ChannelError: The one that was named doesn't run.
    """
    named = executable or os.environ.get(VARIABLE)
    if named:
        target = _ask(named)
        if target is None:
            raise ChannelError(f"{named} is no Python that runs; correct or unset {VARIABLE}.")
        return target
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which("python3.11"), "/usr/bin/python3.11"]
    candidates += [str(path) for path in sorted(pyenv.glob("3.11.*/bin/python3.11"), reverse=True)]
    for candidate in candidates:
        if candidate and Path(candidate).exists() and (target := _ask(candidate)) is not None:
            return target
    target = _ask(sys.executable)
    if target is None:
        raise ChannelError("No Python 3.11 found, and the running interpreter doesn't describe itself.")
    return target
