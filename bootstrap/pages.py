"""The documentation of each error, available offline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bootstrap._util.data import fields_of
from bootstrap.card import Card, Shown
from bootstrap.errors import ERRORS_PAGE, BootstrapError, UsageError, did_you_mean, every_error
from bootstrap.included import places

LABELS = ("Cause", "Look", "Do", "Example")
"""What each section has, besides what the error is."""
_LABELLED = re.compile(rf"^\*\*({'|'.join(LABELS)})\*\*: (.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_MARKS = re.compile(r"<!--.*?-->\n|^```[^\n]*\n?|\*(\w[^*\n]*)\*|\[([^]\n]+)\]\([^)]+\)", re.MULTILINE | re.DOTALL)
"""Markdown that says nothing where it isn't rendered: comments, fences, emphasis, and where links lead."""


@dataclass(frozen=True, repr=False)
class ErrorPage(Shown):
    """What an error means, how to investigate it, and how to fix it."""

    id: str
    exit_code: int
    meaning: str
    """In a sentence or two."""
    hint: str
    text: str
    """The documentation's section, as Markdown."""

    @property
    def card(self) -> Card:
        """The same for people."""
        first, _, rest = self.text.partition("\n\n")
        rows = [(label.lower(), " ".join(value.split())) for label, value in _LABELLED.findall(rest)]
        more = _MARKS.sub(lambda mark: mark[1] or mark[2] or "", _LABELLED.sub("", rest))
        details = tuple(line for line in more.splitlines() if line.strip())
        return Card(title=" ".join(first.split()), word=self.id, rows=tuple(rows), details=details)

    def to_dict(self) -> dict[str, Any]:
        """The section as JSON-ready data."""
        return {"error": self.id, **fields_of(self, "id")}


@dataclass(frozen=True, repr=False)
class ErrorPages(Shown):
    """Every error's page."""

    pages: tuple[ErrorPage, ...]

    @property
    def card(self) -> Card:
        """What each means."""
        title = "`bootstrap explain NAME` explains one; the number is its exit code"
        rows = tuple((page.id, f"{page.exit_code:>3}  {page.meaning.partition('. ')[0]}") for page in self.pages)
        return Card(title=title, word="errors", rows=rows)

    def to_dict(self) -> list[dict[str, Any]]:
        """The sections as JSON-ready data."""
        return [page.to_dict() for page in self.pages]


def explain(error: str | int | BootstrapError | type[BootstrapError] | None = None) -> ErrorPage | ErrorPages:
    """The page of one error, or all of them.

    Args:
        error: Its name (``hash-mismatch``), class name, or exit code; or the error itself.

    Raises:
        UsageError: There is no such error.
    """
    known = every_error()
    if error is None:
        return ErrorPages(tuple(_page(kind) for kind in known))
    if isinstance(error, BootstrapError):
        error = error.id
    elif isinstance(error, type):
        error = error.error_id()
    asked = str(error).strip().removeprefix("bootstrap explain ")
    for kind in known:
        if asked in (kind.error_id(), str(kind.exit_code), kind.__name__):
            return _page(kind)
    raise UsageError(
        f"Unknown error: {asked}.",
        hint=f"{did_you_mean(asked, [k.error_id() for k in known])} `bootstrap explain` lists them.".strip(),
    )


def _page(kind: type[BootstrapError]) -> ErrorPage:
    return ErrorPage(kind.error_id(), kind.exit_code, _meaning(kind), kind.hint, _section(kind))


def _meaning(kind: type[BootstrapError]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _section(kind: type[BootstrapError]) -> str:
    for place in places(ERRORS_PAGE):
        if place.is_file():
            section = place.read_text(encoding="utf-8").partition(f"\n## {kind.error_id()}\n")[2]
            if section:
                return section.partition("\n## ")[0].strip()
    return f"Exit code {kind.exit_code}, `{kind.__name__}`. {_meaning(kind)}\n\n**Do**: {kind.hint}"
