"""One real environment for the session, and cheap copies of it to damage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.integrity import Report, check

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Environment:
    """A virtual environment whose files may be hard links: they are replaced, never written to."""

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


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """numpy, pandas, scipy and pyarrow as pip installs them. Nobody writes here."""
    root = tmp_path_factory.mktemp("pristine") / "env"
    venv.create(root, with_pip=False, symlinks=True)
    environment = Environment(root)
    _pip("--python", environment.python, "install", "--only-binary=:all:", "numpy", "pandas", "scipy", "pyarrow")
    return environment


@pytest.fixture
def env(pristine: Environment, tmp_path: Path) -> Environment:
    """A copy to damage."""
    root = tmp_path / "env"
    shutil.copytree(pristine.root, root, symlinks=True, copy_function=os.link)
    return Environment(root)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Fetches one wheel for a requirement; skips the test where this Python has none."""
    folder = tmp_path_factory.mktemp("wheels")

    def fetch(requirement: str) -> Path:
        place = folder / requirement.replace("<", "_").replace("=", "_")
        if not place.is_dir():
            try:
                _pip("download", "--no-deps", "--only-binary=:all:", "-d", place, requirement)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"no wheel of {requirement} for this Python: {error.stderr.strip().splitlines()[-1:]}")
        return next(place.glob("*.whl"))

    return fetch


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], Path]:
    """Compiles C source into a shared library; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")

    def build(source: str) -> Path:
        if compiler is None:
            pytest.skip("no C compiler")
        code, library = tmp_path / "library.c", tmp_path / "library.so"
        code.write_text(source)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, code, "-lm"], check=True)
        return library

    return build
