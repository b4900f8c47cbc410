"""What the pages tell people to type works, and what they show is what is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.commands import blocks, shows
from tests.support.whole import Environment

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_COMMANDS = [page for page in PAGES if any(not block.reason for block in blocks(page))]
SPECIFICATION = ("environment.yml", "virtual-packages.yml", "virtual-packages-cuda.yml", "conda-lock-cuda.yml")


@pytest.fixture
def folder(environment: Environment, tmp_path: Path) -> Path:
    """A project with the real lock, under git, as a maintainer has it."""
    home = tmp_path / "project"
    home.mkdir()
    for name in SPECIFICATION:
        shutil.copy(ROOT / name, home)
    shutil.copy(environment.lock.path, home / "conda-lock.yml")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "A lock"], ["tag", "v1.0"]):
        subprocess.run(["git", *identity, *command], cwd=home, check=True)
    return home


@pytest.mark.exhaustive
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_work(page: Path, folder: Path, environment: Environment, tmp_path: Path) -> None:
    """All of a page's blocks, in order, in one folder."""
    setting = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BOOTSTRAP_CACHE": str(environment.cache),
        "BOOTSTRAP_PREFIX": str(tmp_path / "default-prefix"),
        "CHANNEL": environment.lock.channels[0],
        "NO_COLOR": "1",
    }
    for block in blocks(page):
        for command in () if block.reason else block.commands:
            done = subprocess.run(
                ["bash", "-c", command.text], cwd=folder, env=setting, capture_output=True, text=True, check=False
            )
            where = f"{page.name}:{command.line}: {command.text}"
            assert done.returncode == command.exit_code, f"{where}\n{done.stdout}{done.stderr}"
            assert shows(command.output, done.stdout, folder), f"{where} printed:\n{done.stdout}"
