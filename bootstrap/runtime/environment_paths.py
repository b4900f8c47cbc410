"""Where this program's own things lie inside a prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OWN = "condacolab-bootstrap"


@dataclass(frozen=True)
class EnvironmentPaths:
    """Our places in one prefix."""

    prefix: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.prefix / "bin/python"

    @property
    def own(self) -> Path:
        """The folder of all that is ours."""
        return self.prefix / "share" / _OWN

    @property
    def entry(self) -> Path:
        """The script that starts a kernel in the environment."""
        return self.own / "kernel"

    @property
    def starter(self) -> Path:
        """The program that the entry runs."""
        return self.bridge / "bootstrap/runtime/kernel/start.py"

    @property
    def bridge(self) -> Path:
        """The folder of modules that come from the machine's own Python."""
        return self.own / "bridge"

    @property
    def front(self) -> Path:
        """The machine's packages that a kernel's process has before the environment's."""
        return self.own / "front"

    @property
    def behind(self) -> Path:
        """The machine's packages that a kernel's process has after all others."""
        return self.own / "behind"

    @property
    def no_libraries(self) -> Path:
        """An empty folder whose name begins with ``PREFIX/lib``, for LD_LIBRARY_PATH.

        condacolab.check() wants ``PREFIX/lib`` to be found in that variable. The libraries there would be loaded
        by every program that a cell starts, the machine's own included; this folder satisfies it and holds none.
        """
        return self.prefix / "lib" / _OWN

    def site_packages(self) -> Path:
        """The environment's site-packages; what pip installed for another Python may lie in a folder like it."""
        folders = sorted((self.prefix / "lib").glob("python3.*/site-packages"))
        return next((folder for folder in folders if folder.parent.name == self.python.resolve().name), folders[0])
