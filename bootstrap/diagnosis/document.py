"""What all results have in common when shown: a verdict and its headline, a table, notes and next steps."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bootstrap.card import STYLES, badge
from bootstrap.console import plain
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from rich.console import RenderableType

    from bootstrap.card import Reported

_CELL = 'style="text-align:left;vertical-align:top;padding:2px 12px 2px 0"'
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|[\[`]|&(?=[#A-Za-z])")
_BACKTICKS = re.compile("`+")


def show(
    result: type[Reported],
    terminal: Callable[..., RenderableType],
    html: Callable[[Any], str],
    markdown: Callable[[Any], str],
) -> None:
    """Names what shows results of a class."""
    result.shown_by(
        terminal=terminal,
        text=lambda found: plain(terminal(found)).rstrip(),
        html=lambda found: shown(html(found)),
        markdown=lambda found: shown(markdown(found)),
    )


def group(verdict: str, headline: str, title: str, *parts: RenderableType) -> Group:
    """A result for a terminal."""
    head = Text.assemble((verdict, f"bold {STYLES[verdict]}"), ": ", (headline, "bold"))
    return Group(head, Text(title, style="dim"), Text(), *parts)


def plain_table() -> Table:
    """A table without lines, for a terminal."""
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim")


def labelled(label: str, lines: Iterable[str]) -> list[Text]:
    """Lines for a terminal, each behind a label."""
    return [Text.assemble((f"{label}: ", "bold"), line) for line in lines]


def labelled_html(label: str, lines: Iterable[str]) -> list[str]:
    """The same as HTML."""
    return [f"<b>{label}:</b> {escape(line)}" for line in lines]


def frame(verdict: str, headline: str, inner: str) -> str:
    """A result as HTML."""
    head = f"{badge(verdict, verdict)} <b>{escape(headline)}</b>"
    return f'<div style="font-family:sans-serif;line-height:1.5">{head}{inner}</div>'


def html_body(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], lines: Iterable[str]) -> str:
    """A title, a table and lines, of which all but the title are HTML already."""
    head = "".join(f"<th {_CELL}>{name}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td {_CELL}>{text}</td>' for text in row)}</tr>" for row in rows)
    return (
        f'<div style="opacity:.7">{escape(title)}</div>'
        f'<table style="border-collapse:collapse;margin:6px 0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{'<br>'.join(lines)}"
    )


def markdown_head(verdict: str, headline: str, title: str) -> list[str]:
    """How a result begins as Markdown."""
    return [f"### {verdict}: {prose(headline)}", "", prose(title), ""]


def cell(text: str) -> str:
    """A text that may stand in a table."""
    return prose(text).replace("|", "\\|")


def prose(text: str) -> str:
    """A text on one line, in which nothing is HTML, a link or a picture."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """A text as code, with as many backticks as it takes; it may stand in a table."""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", "\\|")


def block(lines: Iterable[str]) -> list[str]:
    """Lines as they stand, which no line among them can end."""
    lines = list(lines)
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0))
    return [fence, *lines, fence]
