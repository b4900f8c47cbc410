"""A result as one card: the same words on a terminal, in a notebook and to a screen reader.

A card is data. What it says never depends on colour: the verdict is a word, and everything that the HTML shows
stands in the plain text too. The HTML uses inline styles alone and takes its text colour from the page, so it reads
in light and dark themes, and where a notebook's viewer strips style sheets.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bootstrap.hints import in_cell
from bootstrap.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Group, RenderableType

Verdict = Literal["ok", "doubtful", "broken", "info"]

WORDS: dict[Verdict, str] = {"ok": "ok", "doubtful": "doubtful", "broken": "broken", "info": "note"}
"""What a card's verdict is called where the card has no word of its own."""

STYLES: dict[str, str] = {"ok": "green", "doubtful": "yellow", "broken": "red", "info": "cyan", "note": "dim"}
"""A verdict's colour on a terminal."""
# Under white letters each has a contrast of 4.5 and more, and as a line it stands out on white and on black.
COLOURS: dict[str, str] = {
    "ok": "#1a7f37",
    "doubtful": "#8f6400",
    "broken": "#cf222e",
    "info": "#0969da",
    "note": "#57606a",
}
"""A verdict's colour in HTML."""
_FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px"
_CODE = re.compile(r"`([^`]+)`")


def badge(word: str, verdict: str) -> str:
    """A verdict's word as HTML: white on its colour, so that it reads on light and on dark pages."""
    style = f"background:{COLOURS[verdict]};color:#fff;border-radius:4px;padding:1px 8px;white-space:nowrap"
    return f'<strong style="{style}">{html.escape(word)}</strong>'


@dataclass(frozen=True, kw_only=True)
class Card:
    """A result or an error, in a few lines.

    In a notebook a card that ends a cell, or is given to ``display``, shows as HTML; ``print`` and ``str`` give the
    plain text; rich's ``Console.print`` colours it as far as its stream allows.
    """

    title: str
    """One sentence or less; HTML shows text in backticks as code."""
    verdict: Verdict = "info"
    """Sets the colour, and the word unless one is given."""
    word: str = ""
    """The verdict in the subject's own word: ``ready``, ``absent``, ``error``."""
    rows: tuple[tuple[str, str], ...] = ()
    """Label and value, one line each."""
    details: tuple[str, ...] = ()
    """Evidence: paths, file lines, records. Shown verbatim, in a fixed-width font where possible."""
    next: str = ""
    """The next step, with commands in backticks; HTML, which notebooks show, has them as Python."""
    more: str = ""
    """Where to read on: a page and its section."""

    def __post_init__(self) -> None:
        for name in ("title", "word", "next", "more"):
            object.__setattr__(self, name, shown(getattr(self, name)))
        object.__setattr__(self, "rows", tuple((shown(label), shown(value)) for label, value in self.rows))
        object.__setattr__(self, "details", tuple(shown(line) for line in self.details))

    @property
    def said(self) -> str:
        """The word for the verdict."""
        return self.word or WORDS[self.verdict]

    def __str__(self) -> str:
        lines = [f"{self.said}: {self.title}"]
        wide = max((len(label) for label, _ in self.rows), default=0)
        # A value of several lines goes on below its first.
        gap = "\n" + " " * (wide + 4)
        lines += [f"  {label:<{wide}}  {gap.join(value.splitlines())}" for label, value in self.rows]
        lines += [f"  {line}" for line in self.details]
        lines += [f"  {label}: {value}" for label, value in self._last()]
        return "\n".join(lines)

    def _last(self) -> list[tuple[str, str]]:
        return [(label, value) for label, value in (("next", self.next), ("more", self.more)) if value]

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        style = f"bold {STYLES[self.verdict]}"
        head = Text.assemble((f"{self.said}: ", style), (self.title, "bold"))
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column(overflow="fold")
        for label, value in self.rows:
            rows.add_row(Text(label), Text(value))
        details = [Text(f"  {line}", style="dim") for line in self.details]
        last = [Text.assemble((f"  {label}: ", "bold"), value) for label, value in self._last()]
        return Group(head, *([Padding(rows, (0, 0, 0, 2))] if self.rows else []), *details, *last)

    def _repr_html_(self) -> str:
        colour = COLOURS[self.verdict]
        frame = (
            f"{_FONT};color:inherit;max-width:56em;box-sizing:border-box;margin:4px 0;padding:8px 12px;"
            f"border:1px solid rgba(128,128,128,.35);border-left:4px solid {colour};border-radius:6px"
        )
        title = "font-size:14px;font-weight:600;flex:1 1 14em;overflow-wrap:anywhere"
        head = (
            '<div style="display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 8px">'
            f"{badge(self.said, self.verdict)}"
            f'<span style="{title}">{_marked(self.title)}</span></div>'
        )
        parts = [f'<div role="status" style="{frame}">', head]
        if self.rows:
            parts.append(f'<dl style="margin:6px 0 0">{"".join(_row(*row) for row in self.rows)}</dl>')
        if self.details:
            lines = html.escape("\n".join(self.details))
            parts.append(
                f'<pre style="{_MONO};color:inherit;background:rgba(128,128,128,.12);margin:6px 0 0;padding:6px 8px;'
                f'border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere">{lines}</pre>'
            )
        parts += [
            f'<div style="margin:6px 0 0;overflow-wrap:anywhere"><strong>{label}:</strong> {_marked(value)}</div>'
            for label, value in [(label, in_cell(value)) for label, value in self._last()]
        ]
        return "".join([*parts, "</div>"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


class Shown:
    """What shows itself as its card: in a notebook, at a prompt, and printed."""

    @property
    def card(self) -> Card:
        """The same for people."""
        raise NotImplementedError

    def __str__(self) -> str:
        return str(self.card)

    def __repr__(self) -> str:
        return str(self.card)

    def _repr_html_(self) -> str:
        return self.card._repr_html_()


class Rendered:
    """A result that shows itself: it is data, so functions of a layer above it do that, which `shown_by` names."""

    _terminal: ClassVar[Callable[..., RenderableType]]
    _text: ClassVar[Callable[[Any], str]]
    _html: ClassVar[Callable[[Any], str]]
    _markdown: ClassVar[Callable[[Any], str]]

    @classmethod
    def shown_by(
        cls,
        *,
        terminal: Callable[..., RenderableType],
        text: Callable[[Any], str],
        html: Callable[[Any], str],
        markdown: Callable[[Any], str] | None = None,
    ) -> None:
        """Names what shows results of this class.

        Args:
            terminal: Gives what rich can print; with ``everything=True``, all details.
            text: Gives the same as text.
            html: Gives what a notebook shows.
            markdown: Gives what goes into a bug report, where results of this class do.
        """
        cls._terminal, cls._text, cls._html = terminal, text, html
        if markdown is not None:
            cls._markdown = markdown

    def render(self, *, everything: bool = False) -> RenderableType:
        """The result for a terminal, by rich."""
        return self._terminal(everything=everything)

    def __repr__(self) -> str:
        """The same as text, for a prompt and for a notebook that shows no HTML."""
        return self._text()

    def _repr_html_(self) -> str:
        return self._html()


class Reported(Rendered):
    """One that can go into a bug report, too."""

    def to_markdown(self) -> str:
        """The result for a bug report."""
        return self._markdown()


def _row(label: str, value: str) -> str:
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
    code = f'<code style="{_MONO};color:inherit;background:rgba(128,128,128,.18);padding:1px 4px;border-radius:3px">'
    return _CODE.sub(lambda code_span: f"{code}{code_span[1]}</code>", html.escape(text))
