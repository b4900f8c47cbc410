"""The interpreters that the stand-in can be made of: whichever of Colab's Pythons this machine has."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import one_of
from tests.support.channel.target import ChannelError, Target, choose_target

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

# What Colab's runtimes ran on from 2025 on, oldest first.
VERSIONS = ("3.11", "3.12", "3.13")
USUAL = os.environ.get("BOOTSTRAP_COLAB_PYTHON", "3.12")
"""The one whose machine tests use that ask for no other."""


def numpy_of(version: str = USUAL) -> str:
    """The version of numpy on a Colab machine with this Python."""
    return "2.1.3" if version == VERSIONS[-1] else "2.0.2"


def each_version() -> list[ParameterSet]:
    """All of them as parameters of a test or fixture, the usual one for `make test`."""
    return one_of(USUAL, *(version for version in VERSIONS if version != USUAL))


@functools.cache
def find_python(version: str) -> Target | None:
    """An installed CPython of this version, by PATH and by the conventions of pyenv and uv; None without one.

    Args:
        version: Such as ``3.12``.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    candidates = [shutil.which(name), f"/usr/bin/{name}"]
    candidates += sorted(map(str, pyenv.glob(f"{version}.*/bin/{name}")), reverse=True)
    candidates += sorted(map(str, uv.glob(f"cpython-{version}.*/bin/{name}")), reverse=True)
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            try:
                target = choose_target(candidate)
            except ChannelError:  # a shim of pyenv whose version is not switched on
                continue
            if target.short == version:
                return target
    return None
