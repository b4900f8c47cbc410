"""What the pages show is Python where they say so, and commands that are run, or say why not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.support import ROOT
from tests.support.commands import Block, blocks, shows

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


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
        "```console\n$ one  # why\nready  ./env: 3 files\n$ two\n$ echo $?\n4\n```\n\n"
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
