"""The commands that a page of the documentation shows, and what it shows as their output.

Each ``console`` block is run. One that can't be is preceded by a comment that says why::

    <!-- not run: needs conda-forge -->

The command ``echo $?`` states the exit code of the one before it, where that isn't 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_RUN = re.compile(r"<!--\s*not run:\s*(.+?)\s*-->", re.DOTALL)
_EXIT = "echo $?"


@dataclass(frozen=True)
class Command:
    """One command and what is shown of it."""

    line: int
    """Where it stands, counted from 1."""
    text: str
    output: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Block:
    """One block of commands; `reason` says why it isn't run, where it isn't."""

    line: int
    commands: tuple[Command, ...]
    reason: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """The page's blocks of commands, in order."""
    before = ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            before = token.content
        elif token.type == "fence":
            if token.info.split()[:1] == ["console"]:
                first = (token.map or [0])[0] + 1
                found = _NOT_RUN.search(before)
                yield Block(first, tuple(_commands(token.content, first + 1)), found[1] if found else "")
            before = ""
        elif token.type not in ("list_item_open", "ordered_list_open", "bullet_list_open"):
            before = ""


def _commands(text: str, first: int) -> Iterator[Command]:
    current: tuple[int, str] | None = None
    output: list[str] = []
    code, asked = 0, False
    for number, line in enumerate(text.splitlines(), first):
        if line == f"$ {_EXIT}":
            asked = True
        elif line.startswith("$ "):
            if current:
                yield Command(*current, tuple(output), code)
            current, output, code, asked = (number, line[2:]), [], 0, False
        elif asked:
            code = int(line)
        elif line.strip():
            if current is None:
                raise ValueError(f"line {number}: output before any command")
            output.append(line)
    if current:
        yield Command(*current, tuple(output), code)


def shows(shown: tuple[str, ...], real: str, folder: Path) -> bool:
    """Whether shown lines are in the real output, in order, whatever the numbers; ``...`` stands for any words."""
    lines = [line.replace(f"{folder}/", "./") for line in real.splitlines()]
    rest = iter(lines)
    return all(any(_pattern(line).fullmatch(other.rstrip()) for other in rest) for line in shown)


def _pattern(line: str) -> re.Pattern[str]:
    words = re.split(r"(\.\.\.|\d[\d.,]*)", line.rstrip())
    parts = [r".*" if w == "..." else r"\d[\d.,]*" if w[:1].isdigit() else re.escape(w) for w in words]
    return re.compile("".join(parts))
