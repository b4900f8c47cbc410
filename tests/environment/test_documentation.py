"""What the pages tell people to type works, and what they show is what is printed."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.environment.conftest import Environment
from tests.support import ROOT
from tests.support.commands import Block, blocks, shows

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


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_work(page: Path, folder: Path, environment: Environment, tmp_path: Path) -> None:
    """All of a page's blocks, in order, in one folder."""
    setting = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BOOTSTRAP_CACHE": str(environment.cache),
        "BOOTSTRAP_PREFIX": str(tmp_path / "default-prefix"),
        "CHANNEL": environment.lock.channels[0].url,
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


def test_what_is_not_run_says_why() -> None:
    found: list[Block] = [block for page in PAGES for block in blocks(page)]
    assert found
    for block in found:
        assert block.commands, "a console block has a command"
        assert not block.reason or len(block.reason.split()) > 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python(page: Path) -> None:
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and token.info == "python":
            ast.parse(re.sub(r"^[%!].*$", "pass", token.content, flags=re.MULTILINE))


def test_the_runner_sees_commands_outputs_and_codes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ one  # why\nready  ./env: 3 files\n$ two\n! exit code 4\n```\n\n"
        "<!-- not run: there is no such thing here -->\n```console\n$ three\n```\n\n```console\n$ four\n```\n"
    )
    first, second, third = blocks(page)
    assert [(c.line, c.text, c.output, c.exit_code) for c in first.commands] == [
        (2, "one  # why", ("ready  ./env: 3 files",), 0),
        (4, "two", (), 4),
    ]
    assert (second.reason, third.reason) == ("there is no such thing here", "")
    assert shows(("ready  ./env: 3 files",), f"x\nready  {tmp_path}/env: 1,432 files\n", tmp_path)
    assert not shows(("ready  ./env: 3 files",), "ready  ./env: no files\n", tmp_path)
    assert not shows(("b", "a"), "a\nb\n", tmp_path)
