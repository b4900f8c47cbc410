"""A result as data, and how it looks in each medium: on a terminal, as plain text, in a notebook, as Markdown.

What a card says never depends on colour: the verdict is a word, and everything that the HTML shows stands in the
plain text too. The HTML uses inline styles alone and takes its text colour from the page, so it reads in light and
dark themes, and where a notebook's viewer strips style sheets.
"""

from __future__ import annotations

import html
import os
import re
from dataclasses import dataclass, fields
from functools import partial
from itertools import zip_longest
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bootstrap import markdown
from bootstrap._util.data import fields_of
from bootstrap._version import __version__
from bootstrap.hints import in_cell
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Group
    from rich.padding import Padding

Verdict = Literal["ok", "doubtful", "broken", "info", "note"]

WORDS: dict[Verdict, str] = {"ok": "ok", "doubtful": "doubtful", "broken": "broken", "info": "note", "note": "note"}
"""What a card's verdict is called where the card has no word of its own."""

EXIT_CODES: dict[Verdict, int] = {"ok": 0, "info": 0, "note": 0, "doubtful": 3, "broken": 4}
"""The command line's exit code for a verdict; `bootstrap.errors` has the others."""
_STYLES: dict[Verdict, str] = {"ok": "green", "doubtful": "yellow", "broken": "red", "info": "cyan", "note": "dim"}
"""A verdict's colour on a terminal."""
# Under white letters each has a contrast of 4.5 and more, and as a line it stands out on white and on black.
_COLOURS: dict[Verdict, str] = {
    "ok": "#1a7f37",
    "doubtful": "#8f6400",
    "broken": "#cf222e",
    "info": "#0969da",
    "note": "#656d76",
}
"""A verdict's colour in HTML."""
_FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px"
_RULE = "1px solid rgba(128,128,128,.35)"
_BELOW = "margin:6px 0 0;overflow-wrap:anywhere"
_CODE_TAG = f'<code style="{_MONO};color:inherit;background:rgba(128,128,128,.18);padding:1px 4px;border-radius:3px">'
_CODE = re.compile(r"`([^`]+)`")
_WIDEST = 60
"""Columns at which plain text folds the cells of a table, but for the last column's."""
_OPEN = 3
"""How many lines of a part's evidence HTML and Markdown show without a click."""


class Emphasis(NamedTuple):
    """A word in a table that stands out."""

    text: str
    verdict: Verdict | None = None
    """Gives the colour; without one it is bold."""


Cell = str | Emphasis


class _Fit:
    """A dataclass whose texts are made fit to be shown."""

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, each.name, _fit(getattr(self, each.name)))


def _fit(value: Any) -> Any:
    if isinstance(value, Emphasis):
        return Emphasis(shown(value.text), value.verdict)
    if isinstance(value, tuple):
        return tuple(map(_fit, value))
    return shown(value) if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Table(_Fit):
    """Facts in columns."""

    rows: tuple[tuple[Cell, ...], ...]
    columns: tuple[str, ...] = ()
    """Their names. Without these there are two, of which the first labels the second."""
    code: str | None = None
    """The column whose texts are code."""
    numbers: str | None = None
    """The column whose texts stand at its right edge."""

    @property
    def _edge(self) -> str:
        return "" if self.columns else "  "

    def __str__(self) -> str:
        rows = [[_text(cell) for cell in row] for row in (self.columns, *self.rows) if row]
        fold = partial(wrap, width=_WIDEST, break_on_hyphens=False) if self.columns else str.splitlines
        folded = [[*map(fold, row[:-1]), row[-1].splitlines()] for row in rows]
        lines = [line for row in folded for line in zip_longest(*row, fillvalue="")]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        right = [name == self.numbers for name in self.columns] or [False, False]
        padded = [
            [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)]
            for line in lines
        ]
        return "\n".join((self._edge + "  ".join(line)).rstrip() for line in padded)

    def __rich__(self) -> Padding:
        from rich.padding import Padding
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(self.columns))
        for name in self.columns:
            grid.add_column(name, justify="right" if name == self.numbers else "left", overflow="fold")
        if not self.columns:
            grid.add_column(style="dim", no_wrap=True)
            grid.add_column(overflow="fold")
        for row in self.rows:
            grid.add_row(*(Text(_text(cell), style=_style(cell)) for cell in row))
        return Padding(grid, (0, 0, 0, len(self._edge)))

    def to_html(self) -> str:
        """The table as a part of a page."""
        if not self.columns:
            return f'<dl style="margin:6px 0 0">{"".join(_pair(*map(_text, row)) for row in self.rows)}</dl>'
        head = "".join(self._html_cell("th", name, html.escape(name)) for name in self.columns)
        rows = [
            "".join(self._html_cell("td", n, _html(c, n == self.code)) for n, c in self._named(r)) for r in self.rows
        ]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        style = "border-collapse:collapse;border:0;margin:0;font-size:13px"
        table = f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return f'<div style="overflow-x:auto;margin:6px 0 0">{table}</div>'

    def _html_cell(self, tag: str, name: str, content: str) -> str:
        style = f"text-align:{'right' if name == self.numbers else 'left'};vertical-align:top;white-space:normal"
        style += ";font-weight:400;opacity:.75" if tag == "th" else ""
        style += ";overflow-wrap:anywhere" if name == self.code else ""
        return f'<{tag} style="{style};border:0;background:none;padding:2px 12px 2px 0">{content}</{tag}>'

    def to_markdown(self) -> list[str]:
        """The table in lines of Markdown."""
        if not self.columns:
            return [f"- **{markdown.prose(_text(a))}:** {markdown.marked(_text(b))}" for a, b in self.rows]
        return [
            markdown.row(map(markdown.prose, self.columns)),
            markdown.row("---:" if name == self.numbers else "---" for name in self.columns),
            *(markdown.row(_markdown(c, n == self.code) for n, c in self._named(row)) for row in self.rows),
        ]

    def _named(self, row: tuple[Cell, ...]) -> Iterator[tuple[str, Cell]]:
        return zip(self.columns, row, strict=True)


@dataclass(frozen=True, kw_only=True)
class Card(_Fit):
    """A result, an error, or a part of one.

    In a notebook a card that ends a cell, or is given to ``display``, shows as HTML; ``print`` and ``str`` give the
    plain text; rich's ``Console.print`` colours it as far as its stream allows.
    """

    title: str = ""
    """One sentence or less; HTML and Markdown show text in backticks as code."""
    verdict: Verdict = "info"
    """Sets the colour, and the word unless one is given."""
    word: str = ""
    """The verdict in the subject's own word: ``ready``, ``absent``, ``error``."""
    about: str = ""
    """What the title is said of, and what follows from it: a sentence a line."""
    rows: tuple[tuple[str, str], ...] = ()
    """Label and value, one line each."""
    details: tuple[str, ...] = ()
    """Evidence: paths, file lines, records. Shown verbatim, in a fixed-width font where possible."""
    parts: tuple[Card | Table, ...] = ()
    """What the result consists of."""
    notes: tuple[str, ...] = ()
    next: str = ""
    """The next steps, one a line, with commands in backticks; HTML, which notebooks show, has them as Python."""
    more: str = ""
    """Where to read on: a page and its section."""
    foot: str = ""
    """How much was looked at, and what that took."""

    @property
    def said(self) -> str:
        """The word for the verdict."""
        return self.word or WORDS[self.verdict]

    @property
    def _last(self) -> list[tuple[str, str]]:
        """What stands below all else, each with its label."""
        labelled = (("note", self.notes), ("next", self.next.splitlines()), ("more", self.more.splitlines()))
        return [(label, line) for label, lines in labelled for line in lines]

    def _pieces(self) -> Iterator[tuple[tuple[str, str], ...] | Table | Card]:
        """What a terminal and plain text show, from above: lines of texts with styles, and what shows itself."""
        edge = "" if self.parts else "  "
        yield (f"{self.said}:", f"bold {_STYLES[self.verdict]}"), (f" {self.title}" if self.title else "", "bold")
        if self.about:
            yield ((indent(self.about, edge), ""),)
        if self.rows:
            yield Table(rows=self.rows)
        for line in self.details:
            yield ((f"  {line}", "dim"),)
        for part in self.parts:
            yield from ((), part)
        if self.parts and (self._last or self.foot):
            yield ()
        for label, line in self._last:
            yield (f"{edge}{label}: ", "bold"), (line, "")
        if self.foot:
            yield ((f"{edge}{self.foot}", "dim"),)

    def __str__(self) -> str:
        return "\n".join(
            "".join(text for text, _ in piece) if isinstance(piece, tuple) else str(piece) for piece in self._pieces()
        )

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        return Group(*(Text.assemble(*piece) if isinstance(piece, tuple) else piece for piece in self._pieces()))

    def _repr_html_(self) -> str:
        frame = (
            f"{_FONT};color:inherit;max-width:56em;box-sizing:border-box;margin:4px 0;padding:8px 12px;"
            f"border:{_RULE};border-left:4px solid {_COLOURS[self.verdict]};border-radius:6px"
        )
        role = "alert" if self.verdict == "broken" else "status"
        return f'<div role="{role}" style="{frame}">{self._inside(part=False)}</div>'

    def _inside(self, *, part: bool) -> str:
        """The HTML within the frame, or of a part."""
        title = f"font-size:{13 if part else 14}px;font-weight:600;flex:1 1 14em;overflow-wrap:anywhere"
        head = f'{_badge(self.said, self.verdict)}<span style="{title}">{_marked(self.title)}</span>'
        blocks = [f'<div style="display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 8px">{head}</div>']
        if self.about:
            blocks.append(f'<div style="{_BELOW};white-space:pre-line">{_marked(self.about)}</div>')
        if self.rows:
            blocks.append(Table(rows=self.rows).to_html())
        if self.details:
            lines = html.escape("\n".join(self.details))
            evidence = (
                f'<pre style="{_MONO};color:inherit;background:rgba(128,128,128,.12);margin:6px 0 0;padding:6px 8px;'
                f'border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere">{lines}</pre>'
            )
            if part and len(self.details) > _OPEN:
                summary = '<summary style="cursor:pointer">evidence</summary>'
                evidence = f'<details style="margin:6px 0 0">{summary}{evidence}</details>'
            blocks.append(evidence)
        for each in self.parts:
            if isinstance(each, Table):
                blocks.append(each.to_html())
            else:
                within = each._inside(part=True)
                blocks.append(f'<div style="border-top:{_RULE};margin:8px 0 0;padding:6px 0 0">{within}</div>')
        blocks += [
            f'<div style="{_BELOW}"><strong>{label}:</strong> {_marked(in_cell(line))}</div>'
            for label, line in self._last
        ]
        if self.foot:
            blocks.append(f'<div style="{_BELOW};opacity:.75">{html.escape(self.foot)}</div>')
        return "".join(blocks)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def to_markdown(self) -> str:
        """The card for a bug report."""
        head = f"### {markdown.prose(self.said)}: {markdown.marked(self.title)}"
        by = f"condacolab-bootstrap {__version__}, {os.uname().sysname}"
        return "\n".join([head, *self._paragraphs(part=False), "", by, ""])

    def _paragraphs(self, *, part: bool) -> Iterator[str]:
        """What stands below the head, in lines of Markdown."""
        for line in self.about.splitlines():
            yield from ("", markdown.marked(line))
        if self.rows:
            yield from ("", *Table(rows=self.rows).to_markdown())
        if self.details:
            block = markdown.block(self.details)
            fold = part and len(self.details) > _OPEN
            yield from ("", *(["<details><summary>evidence</summary>", "", *block, "</details>"] if fold else block))
        for each in self.parts:
            if isinstance(each, Table):
                yield from ("", *each.to_markdown())
            else:
                yield from ("", f"**{markdown.prose(each.said)}:** {markdown.marked(each.title)}".rstrip())
                yield from each._paragraphs(part=True)
        if self._last:
            yield from ("", *(f"- {label}: {markdown.marked(line)}" for label, line in self._last))
        if self.foot:
            yield from ("", markdown.prose(self.foot))


class Shown:
    """What shows itself as its card: in a notebook, at a prompt, printed, and in a bug report."""

    @property
    def card(self) -> Card:
        """The same for people."""
        raise NotImplementedError

    @property
    def in_full(self) -> Card:
        """The same with all details; for most there is no more to say."""
        return self.card

    def to_dict(self) -> Any:
        """The same for programs, as JSON-ready data; of a dataclass, its fields."""
        return fields_of(self)

    def __str__(self) -> str:
        return str(self.card)

    def __repr__(self) -> str:
        return str(self.card)

    def _repr_html_(self) -> str:
        return self.card._repr_html_()

    def to_markdown(self) -> str:
        """The same for a bug report, with all details."""
        return self.in_full.to_markdown()


class Judged(Shown):
    """A result with a verdict, and with more details than most want to see."""

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        raise NotImplementedError

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return EXIT_CODES[self.verdict]

    def to_card(self, *, everything: bool) -> Card:
        """The same for people.

        Args:
            everything: All details, not the first of them.
        """
        raise NotImplementedError

    @property
    def card(self) -> Card:
        """The same for people, with the first details."""
        return self.to_card(everything=False)

    @property
    def in_full(self) -> Card:
        """The same with all details."""
        return self.to_card(everything=True)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Emphasis) else cell


def _style(cell: Cell) -> str:
    """On a terminal."""
    if isinstance(cell, str):
        return ""
    return _STYLES[cell.verdict] if cell.verdict else "bold"


def _html(cell: Cell, code: bool) -> str:
    if isinstance(cell, str):
        return f"{_CODE_TAG}{html.escape(cell)}</code>" if code else _marked(cell)
    if cell.verdict is None:
        return f"<strong>{html.escape(cell.text)}</strong>"
    return f'<span style="white-space:nowrap">{_badge(cell.text, cell.verdict)}</span>'


def _markdown(cell: Cell, code: bool) -> str:
    if isinstance(cell, str):
        return markdown.code(cell) if code else markdown.marked(cell)
    return markdown.prose(cell.text) if cell.verdict else f"**{markdown.prose(cell.text)}**"


def _badge(word: str, verdict: Verdict) -> str:
    """A verdict's word: white on its colour, so that it reads on light and on dark pages."""
    style = f"background:{_COLOURS[verdict]};color:#fff;border-radius:4px;padding:1px 8px"
    return f'<strong style="{style}">{html.escape(word)}</strong>'


def _pair(label: str, value: str) -> str:
    """A label and its value: side by side where there is room, the value below its label where there is none."""
    # Notebook style sheets make floats and fixed widths of these elements: all of it is set.
    plain = "float:none;clear:none;width:auto;margin:0;padding:0;text-align:left;font-weight:400"
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:0 12px">'
        f'<dt style="{plain};flex:0 0 8em;opacity:.75">{html.escape(label)}</dt>'
        f'<dd style="{plain};flex:1 1 16em;min-width:0;overflow-wrap:anywhere;white-space:pre-line">'
        f"{_marked(value)}</dd></div>"
    )


def _marked(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return _CODE.sub(lambda span: f"{_CODE_TAG}{span[1]}</code>", html.escape(text))
