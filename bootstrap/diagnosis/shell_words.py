"""Shell text as words and operators: quotes, comments, continued lines and here-documents; nothing of it is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INNER = r"(?P<inner>`[^`]*`?|\$[({])"
_OUTSIDE = re.compile(
    rf"(?P<joined>\\\n)|\\(?P<escaped>.?)|(?P<quote>\")|'(?P<literal>[^']*)'?|{_INNER}|(?P<blank>[ \t\r]+)"
    r"|(?P<operator>&&|\|\||;;|<<<|<<-?|&>>|>>|>&|&>|<&|>\||\|&|[;|&()<>\n])|(?P<plain>[\w.=/-]+|.)",
    re.DOTALL,
)
_QUOTED = re.compile(
    rf'(?P<joined>\\\n)|\\(?P<escaped>["\\$`])|(?P<quote>")|{_INNER}|(?P<plain>[\w.=/-]+|.)', re.DOTALL
)
"""What text is made of, outside and within double quotes."""
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_DOLLAR = "\ue000"
"""Stands for a dollar sign that is text: within single quotes, or behind a backslash."""


class Word(str):
    """A word without its quotes."""

    __slots__ = ()


class QuotedWord(Word):
    """One of which any part was quoted: it stays one word, whatever a variable holds."""

    __slots__ = ()


class Operator(str):
    """What separates words, or sends their output elsewhere."""

    __slots__ = ()


def tokens(text: str) -> list[Word | Operator]:
    """The words and operators of some lines of shell; quotes that are never closed end with the text."""
    tokens: list[Word | Operator] = []
    documents: list[int] = []
    """Where the words stand that name the ends of here-documents that begin after this line."""
    parts: list[str] = []
    begun = quoted = within = False

    def end_word() -> None:
        nonlocal begun, quoted
        if begun:
            if tokens and isinstance(tokens[-1], Operator) and tokens[-1] == "<<":
                documents.append(len(tokens))
            tokens.append((QuotedWord if quoted else Word)("".join(parts)))
        parts.clear()
        begun = quoted = False

    at = 0
    while piece := (_QUOTED if within else _OUTSIDE).match(text, at):
        start, at = piece.span()
        kind = piece.lastgroup or ""
        part = piece[kind]
        if kind in ("blank", "operator"):
            end_word()
            if kind == "operator":
                tokens.append(Operator(part.removesuffix("-")))
            if part == "\n":
                for place in documents:
                    tokens[place], at = _document(text, at, tokens[place])
                documents.clear()
        elif part == "#" and kind == "plain" and not begun:
            at = _found(text, "\n", at)
        elif kind != "joined":
            begun = True
            if kind == "quote":
                within, part = not within, ""
            elif kind == "inner" and part[0] == "$":
                at = _closed(text, start + 1)
                part = text[start:at]
            elif kind in ("literal", "escaped"):
                part = part.replace("$", _DOLLAR)
            quoted = quoted or kind in ("quote", "literal")
            parts.append(part)
    end_word()
    return tokens


def _found(text: str, part: str, start: int) -> int:
    """Where something stands in a text; its end where it doesn't."""
    at = text.find(part, start)
    return len(text) if at < 0 else at


def _closed(text: str, start: int) -> int:
    """Where the bracket that opens at a place is closed."""
    opening = text[start]
    closing = {"(": ")", "{": "}"}[opening]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            return place + 1
    return len(text)


def _document(text: str, at: int, end: str) -> tuple[Word, int]:
    """A here-document that begins at a place, and where it has ended."""
    lines: list[str] = []
    while at < len(text):
        line = text[at : _found(text, "\n", at)]
        at += len(line) + 1
        if line.strip() == end:
            break
        lines.append(f"{line}\n")
    return QuotedWord("".join(lines)), min(at, len(text))


def expand(word: Word | Operator, variables: Mapping[str, str]) -> Iterator[str]:
    """A word with the variables that are known filled in; others stay as they are written."""
    filled = _VARIABLE.sub(lambda m: variables.get(m[1] or m[2], m[0]), word)
    parts = [filled] if isinstance(word, (Operator, QuotedWord)) or filled == word else filled.split()
    yield from (part.replace(_DOLLAR, "$") for part in parts)
