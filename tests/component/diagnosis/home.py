"""A real environment with a real numpy, and the index of tiny packages that it installs from."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.diagnosis import SessionOptions, analyze_requirements
from bootstrap.progress import NullProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis


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
