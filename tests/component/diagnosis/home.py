"""A real environment with a real numpy, and the index of tiny packages that it installs from."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.diagnosis import SessionOptions, analyze_requirements
from bootstrap.progress import NullProgress
from tests.support import ROOT, link_or_copy, numpy_sets, wheels
from tests.support.once import digest, made_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis

CACHE = ROOT / ".cache" / "diagnosis"


@dataclass(frozen=True)
class Home:
    """An environment and the index that it installs from."""

    python: Path
    index: Path

    @property
    def root(self) -> Path:
        return self.python.parent.parent

    @property
    def options(self) -> tuple[str, ...]:
        return ("--no-index", "--find-links", str(self.index))

    def pip(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), "-m", "pip", *map(str, arguments)]
        environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def install(self, *arguments: object) -> None:
        done = self.pip("install", "--quiet", *self.options, *arguments)
        assert done.returncode == 0, done.stderr

    def ask(self, source: Path | Sequence[str], **options: object) -> Diagnosis:
        """Asks with pip alone, of the tiny index alone."""
        shared = {field.name: options.pop(field.name) for field in fields(SessionOptions) if field.name in options}
        asked = SessionOptions(**{"python": self.python, "resolver": "pip", **shared})
        given = {"progress": NullProgress(), **options, "options": (*self.options, *options.get("options", ()))}
        return analyze_requirements(source, asked, **given)


class NoWheelError(Exception):
    """There is no wheel of one of the numpys for this Python."""


def make_home() -> Home:
    """An environment with numpy 2.0.2 and what stands on it, and its index, made once: nobody may change them.

    Raises:
        NoWheelError: There is none for this Python.
    """
    numpys = made_once(CACHE, "numpy", digest(sys.version, *numpy_sets.NUMPYS), _download)

    def build(folder: Path) -> None:
        found = Home(folder / "env/bin/python", folder / "index")
        found.index.mkdir()
        for wheel in numpys.iterdir():
            link_or_copy(wheel, found.index / wheel.name)
        for package in numpy_sets.PACKAGES:
            package.write(found.index)
        subprocess.run([sys.executable, "-m", "venv", found.root], check=True)
        found.install(*numpy_sets.ENVIRONMENT)
        # Whatever happens in a test happened long after this.
        old = time.time() - 3600
        for path in found.root.glob("lib/*/site-packages/*.dist-info/*"):
            os.utime(path, (old, old))

    made_of = (sys.version, numpys, numpy_sets.PACKAGES, numpy_sets.ENVIRONMENT, inspect.getsource(wheels))
    place = made_once(CACHE, "home", digest(*made_of, inspect.getsource(build)), build)
    return Home(place / "env/bin/python", place / "index")


def _download(folder: Path) -> None:
    """Real wheels of three numpys for this Python."""
    for version in numpy_sets.NUMPYS:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        command += ["-d", str(folder), f"numpy=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoWheelError(f"no wheel of numpy {version} for this Python: {done.stderr.splitlines()[-1:]}")


def fingerprint(folder: Path) -> dict[str, str]:
    """Everything below a folder: contents, links, modes and times."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place) / name
            state = path.lstat()
            if path.is_symlink():
                content = str(path.readlink())
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[str(path)] = f"{content} {state.st_mode:o} {state.st_mtime_ns} {state.st_ino}"
    return found
