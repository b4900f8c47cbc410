"""A conda-lock that runs once for each input; `bootstrap lock --conda-lock` takes it for the real one.

Run as ``python -m tests.support.conda_lock_once PROJECT ARGUMENT...``. What conda-lock answers depends on its
arguments, the files in its working folder, the project's repodata and virtual packages, the settings in the
environment, and the programs at work. Of all that the key is made, with places written as words; the answer is the
files that it wrote, what it said, and its exit status. Started by a plain interpreter for every call, so it imports
little.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT
from tests.support.once import digest, made_once

REAL = Path(sys.executable).with_name("conda-lock")
_SETTINGS = ("CONDA_", "MAMBA_", "PIP_", "UV_")
_PROGRAMS = ("conda_lock-*.dist-info", "py_rattler-*.dist-info")
_SOURCES = ("bootstrap/maintain/*.py", "bootstrap/errors.py", "tests/support/conda_lock_once.py")


def write_conda_lock(path: Path, project: Path) -> Path:
    """Writes the executable for a project's folder, and returns its path."""
    words = f"'{sys.executable}' -S -m {__spec__.name if __spec__ else __name__} '{project}'"
    path.write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec {words} \"$@\"\n")
    path.chmod(0o755)
    return path


class _Places:
    """The folders of one run, which differ from run to run, as words that do not."""

    def __init__(self, project: Path) -> None:
        # The inner ones first. The working folder lies in one of this refresh's own, with its repodata.
        stage = Path.cwd()
        self._words = {stage: "{stage}", project: "{project}", ROOT: "{repository}", stage.parent: "{refresh}"}

    def hide(self, text: str) -> str:
        for place, word in self._words.items():
            text = text.replace(str(place), word)
        return text

    def show(self, text: str) -> str:
        for place, word in self._words.items():
            text = text.replace(word, str(place))
        return text


def _texts(folder: Path, pattern: str = "*") -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob(pattern)) if path.is_file()
    }


def _programs() -> list[str]:
    packages = Path(sys.executable).parent.parent / "lib"
    found = [path.name for pattern in _PROGRAMS for path in packages.glob(f"python*/site-packages/{pattern}")]
    return sorted([*found, sys.version, *(text for pattern in _SOURCES for text in _texts(ROOT, pattern).values())])


def main(project: Path, arguments: list[str]) -> int:
    """Answers as conda-lock would, or did."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = {name: value for name, value in environ.items() if name.startswith(_SETTINGS)}
    places, stage = _Places(project), Path.cwd()
    # To tell its version it reads no files, and its working folder is anybody's.
    before = {} if arguments == ["--version"] else _texts(stage)
    read = {**_texts(project, "virtual-packages*.yml"), **_texts(project, "channel/*/*")} if before else {}
    key = digest(places.hide(json.dumps([arguments, settings, before, read], sort_keys=True)), *_programs())

    def ask(answer: Path) -> None:
        done = subprocess.run([REAL, *arguments], env=environ, capture_output=True, text=True, check=False)
        if done.returncode < 0:
            sys.exit(f"conda-lock was ended by signal {-done.returncode}")
        files = {name: text for name, text in _texts(stage).items() if before.get(name) != text} if before else {}
        told = {"status": done.returncode, "out": done.stdout, "err": done.stderr, "files": files}
        (answer / "answer.json").write_text(places.hide(json.dumps(told)))

    with contextlib.redirect_stderr(io.StringIO()):
        kept = made_once(ROOT / ".cache/conda-lock", "answer", key, ask)
    told = json.loads(places.show((kept / "answer.json").read_text()))
    for name, text in told["files"].items():
        (stage / name).write_text(text)
    sys.stdout.write(told["out"])
    sys.stderr.write(told["err"])
    status: int = told["status"]
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
