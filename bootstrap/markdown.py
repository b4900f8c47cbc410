"""Text of others as Markdown: nothing in it becomes HTML, a link, a picture or the end of a block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|[\[`]|&(?=[#A-Za-z])")
_BACKTICKS = re.compile("`+")
_CODE = re.compile(r"`([^`]+)`")


def prose(text: str) -> str:
    """A text on one line."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """A text as code on one line, with as many backticks as it takes."""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}"


def marked(text: str) -> str:
    """A text on one line, in which what stands between backticks is code."""
    # Every second part is what the pattern caught.
    parts = _CODE.split(" ".join(text.split()))
    return "".join(code(part) if n % 2 else _MARKUP.sub(r"\\\g<0>", part) for n, part in enumerate(parts))


def row(cells: Iterable[str]) -> str:
    """A row of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def block(lines: Iterable[str]) -> list[str]:
    """Lines as they stand, which no line among them can end."""
    lines = list(lines)
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0))
    return [fence, *lines, fence]
