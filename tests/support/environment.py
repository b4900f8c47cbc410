"""A virtual environment, or a conda prefix, as tests look into it and damage it."""

from __future__ import annotations

import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.health import Report, check

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Environment:
    """An environment whose files may be hard links: they are replaced, never written to."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    @property
    def site(self) -> Path:
        return next((self.root / "lib").glob("python3*")) / "site-packages"

    def find(self, pattern: str) -> Path:
        """The one file that matches a pattern in the site folder."""
        (found,) = self.site.glob(pattern)
        return found

    def write(self, path: Path | str, content: bytes | str) -> Path:
        """Put a file in the place of what was there."""
        target = self.site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def edit(self, path: Path | str, change: Callable[[bytes], bytes]) -> Path:
        """Replace a file by a changed copy."""
        return self.write(path, change((self.site / path).read_bytes()))

    def append(self, path: Path | str, code: str) -> Path:
        """Add lines to a Python file."""
        return self.edit(path, lambda data: data + f"\n{code}\n".encode())

    def unzip(self, wheel: Path, *, metadata: bool = True) -> None:
        """Lay a wheel over what is there, as an interrupted or careless installer leaves it."""
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and (metadata or ".dist-info/" not in name):
                    self.write(name, archive.read(name))

    def version(self, name: str) -> str:
        """The installed version of a distribution."""
        return self.find(f"{name}-*.dist-info").name.removesuffix(".dist-info").split("-")[1]

    def version_line(self, info: Path) -> bytes:
        """The line of METADATA that tells the version."""
        return next(x for x in (info / "METADATA").read_bytes().splitlines() if x.startswith(b"Version:"))

    def check(self, *imports: str, timeout: float = 60.0) -> Report:
        """Check it; by default importing nothing besides numpy."""
        return check(python=self.python, imports=imports, timeout=timeout)

    def link_to(self, goal: Path) -> None:
        """Makes a copy that shares its files with this one, where the file system is the same."""
        shared = self.root.stat().st_dev == goal.parent.stat().st_dev
        subprocess.run(["cp", "-al" if shared else "-a", self.root, goal], check=True)
