"""The card: the same words in plain text, on a terminal, and in HTML."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from bootstrap.card import WORDS, Card, Emphasis, Table
from bootstrap.console import show
from bootstrap.errors import HashMismatchError

READY = Card(
    title="the kernel runs in /opt/conda",
    verdict="ok",
    word="ready",
    rows=(("numpy", "2.5.2"), ("packages", "367 from conda-lock.yml\nCPU: no NVIDIA driver")),
    details=("a <b> & c",),
    next="run the next cell, or `bootstrap check`",
    more="docs/notebook.md",
)

PARTED = Card(
    title="it would move",
    verdict="broken",
    about="r.txt on `python`\nand so on",
    parts=(
        Table(
            columns=("name", "verdict", "MB"),
            rows=(
                ("a|b", Emphasis("ok", "ok"), "1.5"),
                (Emphasis("all of them"), Emphasis("broken", "broken"), "10"),
            ),
            code="name",
            numbers="MB",
        ),
        Card(word="lost", details=("<one>", "two", "three", "four")),
        Card(title="x", verdict="note", rows=(("why", "because"),), details=("one line",)),
    ),
    notes=("first", "second"),
    next="run `bootstrap check`\nor wait",
    foot="1.0 s",
)
"""Whatever a card can have besides the above."""


class Reader(HTMLParser):
    """What a screen reader gets: the text, with the tags that were opened and closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_plain_text() -> None:
    assert str(READY).splitlines() == [
        "ready: the kernel runs in /opt/conda",
        "  numpy     2.5.2",
        "  packages  367 from conda-lock.yml",
        "            CPU: no NVIDIA driver",
        "  a <b> & c",
        "  next: run the next cell, or `bootstrap check`",
        "  more: docs/notebook.md",
    ]


def test_parts_stand_at_the_left_edge_each_after_a_blank_line() -> None:
    assert str(PARTED).splitlines() == [
        "broken: it would move",
        "r.txt on `python`",
        "and so on",
        "",
        "name         verdict   MB",
        "a|b          ok       1.5",
        "all of them  broken    10",
        "",
        "lost:",
        "  <one>",
        "  two",
        "  three",
        "  four",
        "",
        "note: x",
        "  why  because",
        "  one line",
        "",
        "note: first",
        "note: second",
        "next: run `bootstrap check`",
        "next: or wait",
        "1.0 s",
    ]


def test_plain_text_folds_long_cells_but_in_the_last_column() -> None:
    command = "pip install " + " ".join(f"package-{n}" for n in range(12))
    lines = str(Table(columns=("command", "effect"), rows=((command, command),))).splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "pip install package-0 package-1 package-2 package-3",
        "package-4 package-5 package-6 package-7 package-8 package-9",
        "package-10 package-11",
    ]
    assert lines[1].endswith(command)


@pytest.mark.parametrize("card", [READY, PARTED])
def test_a_terminal_shows_the_same_lines(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    show(card, out)
    assert [line.rstrip() for line in out.getvalue().splitlines()] == str(card).splitlines()


@pytest.mark.parametrize("card", [READY, PARTED])
def test_html_says_everything_that_the_text_says(card: Card) -> None:
    page = Reader(card._repr_html_())
    assert not page.open, "every element is closed"
    text = " ".join(page.text)
    for words in str(card).replace(":", "").replace("`", "").replace("bootstrap check", "").split():
        assert words in text
    assert ("role", "alert" if card.verdict == "broken" else "status") in page.attributes
    assert page.tags.count("details") == (1 if card is PARTED else 0), "long evidence of a part opens at a click"


def test_markdown_says_everything_too() -> None:
    lines = PARTED.to_markdown().splitlines()
    assert lines[:-1] == [
        "### broken: it would move",
        "",
        "r.txt on `python`",
        "",
        "and so on",
        "",
        "| name | verdict | MB |",
        "| --- | --- | ---: |",
        r"| `a\|b` | ok | 1.5 |",
        "| **all of them** | broken | 10 |",
        "",
        "**lost:**",
        "",
        "<details><summary>evidence</summary>",
        "",
        "```",
        "<one>",
        "two",
        "three",
        "four",
        "```",
        "</details>",
        "",
        "**note:** x",
        "",
        "- **why:** because",
        "",
        "```",
        "one line",
        "```",
        "",
        "- note: first",
        "- note: second",
        "- next: run `bootstrap check`",
        "- next: or wait",
        "",
        "1.0 s",
        "",
    ]
    assert lines[-1].startswith("condacolab-bootstrap ")


def test_html_needs_no_style_sheet_and_takes_nothing_from_elsewhere() -> None:
    page = Reader(READY._repr_html_())
    assert not {"style", "script", "link", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("class", "src", "href", "onclick")]


def test_markup_in_values_is_text() -> None:
    table = Table(columns=("<var>",), rows=(("<q>",), (Emphasis("<tt>"),), (Emphasis("<kbd>", "ok"),)))
    inner = Card(title="<big>", about="<sub>", parts=(table,), notes=("<sup>",), foot="<small>")
    card = Card(
        title="<script>1</script>", rows=(("<i>", "<b>`<u>`"),), details=("<s>",), next="<em>", parts=(inner,)
    )
    tags = Reader(card._repr_html_()).tags
    assert not {"script", "i", "b", "u", "s", "em", "var", "q", "tt", "kbd", "big", "sub", "sup", "small"} & set(tags)
    tokens = MarkdownIt().parse(card.to_markdown())
    assert not [one for token in tokens for one in (token, *(token.children or ())) if one.type.startswith("html")]
    assert "<script>1</script>" in str(card)
    out = io.StringIO()
    show(Card(title="[red]x[/] [bold]"), out)
    assert "[red]x[/] [bold]" in out.getvalue(), "square brackets aren't styles"


def channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def contrast(first: str, second: str) -> float:
    """As WCAG 2 defines it."""
    light, dark = sorted(
        (
            sum(w * channel(int(c[i : i + 2], 16)) for w, i in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))
            for c in (first, second)
        ),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("verdict", WORDS)
def test_the_word_can_be_read_and_the_line_seen_in_light_and_dark(verdict: str) -> None:
    source = Card(title="x", verdict=verdict)._repr_html_()  # type: ignore[arg-type]
    colour = source.split("border-left:4px solid ")[1][:7]
    assert f"background:{colour};color:#fff" in source
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colour, "#111111") >= 3
    assert WORDS[verdict] in "".join(Reader(source).text)  # type: ignore[index]


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colour_follows_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    out = io.StringIO()
    show(READY, out)
    assert ("\x1b[" in out.getvalue()) is coloured


@pytest.mark.parametrize("width", [30, 200])
def test_long_values_fold_on_a_narrow_terminal_and_lose_nothing(width: int) -> None:
    out = io.StringIO()
    path = "/a/long/path/to/some/file/that/does/not/fit/in/a/narrow/terminal.so"
    Console(file=out, width=width).print(Card(title="x", rows=(("file", path),)))
    assert path in out.getvalue().replace("\n", "").replace(" ", "")


def test_an_error_is_a_card() -> None:
    card = HashMismatchError("An archive differs.", evidence=["numpy: expected 1, got 2"]).card
    assert (card.said, card.verdict, card.details) == ("error", "broken", ("numpy: expected 1, got 2",))
    assert card.more == "bootstrap explain hash-mismatch"
    assert card.next == HashMismatchError.hint


def test_a_notebook_gets_both_forms() -> None:
    bundle = READY._repr_mimebundle_(include=None, exclude=None)
    assert bundle == {"text/plain": str(READY), "text/html": READY._repr_html_()}
