"""Shell text as words and operators: quotes, comments, continued lines and here-documents; nothing of it is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OPERATORS = (
    *("&&", "||", ";;", "<<<", "<<", "&>>", ">>", ">&", "&>", "<&", ">|", "|&"),
    *(";", "|", "&", "(", ")", "<", ">", "\n"),
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_DOLLAR = "\ue000"
"""Stands for a dollar sign that is text: within single quotes, or behind a backslash."""


class Word(str):
    """A word without its quotes."""

    quoted = False
    """Whether any part of it was quoted: then it stays one word, whatever a variable holds."""


class Operator(str):
    """What separates words, or sends their output elsewhere."""

    __slots__ = ()


def tokens(text: str) -> list[Word | Operator]:
    """The words and operators of some lines of shell; quotes that are never closed end with the text."""
    lexer = _Lexer(text)
    while lexer.at < len(text):
        lexer.step()
    lexer.end_word()
    return lexer.found


def expand(word: Word | Operator, variables: Mapping[str, str]) -> Iterator[str]:
    """A word with the variables that are known filled in; others stay as they are written."""
    filled = _VARIABLE.sub(lambda m: variables.get(m[1] or m[2], m[0]), word)
    parts = [filled] if isinstance(word, Operator) or word.quoted or filled == word else filled.split()
    yield from (part.replace(_DOLLAR, "$") for part in parts)


class _Lexer:
    def __init__(self, text: str) -> None:
        self.at = 0
        self.found: list[Word | Operator] = []
        self._text = text
        self._parts: list[str] | None = None
        self._quoted = False
        self._documents: list[int] = []
        """Where the words stand that name the ends of here-documents that begin after this line."""
        self._expects_end = False

    def step(self) -> None:
        text, at = self._text, self.at
        letter = text[at]
        if letter == "\\":
            if not text.startswith("\\\n", at):
                self._add(text[at + 1 : at + 2].replace("$", _DOLLAR))
            self.at += 2
        elif letter in "'\"":
            self._quote(letter)
        elif letter == "`" or text.startswith(("$(", "${"), at):
            self._add(self._substitution())
        elif letter in " \t\r":
            self.end_word()
            self.at += 1
        elif letter == "#" and self._parts is None:
            end = text.find("\n", at)
            self.at = len(text) if end < 0 else end
        elif operator := next((o for o in _OPERATORS if text.startswith(o, at)), None):
            self._operator(operator)
        else:
            self._add(letter)
            self.at += 1

    def _add(self, part: str) -> None:
        if self._parts is None:
            self._parts = []
        self._parts.append(part)

    def end_word(self) -> None:
        if self._parts is None:
            return
        if self._expects_end:
            self._documents.append(len(self.found))
            self._expects_end = False
        word = Word("".join(self._parts))
        word.quoted = self._quoted
        self.found.append(word)
        self._parts, self._quoted = None, False

    def _quote(self, mark: str) -> None:
        self._quoted = True
        text = self._text
        self._add("")
        self.at += 1
        while self.at < len(text) and text[self.at] != mark:
            letter = text[self.at]
            if mark == "'":
                self._add(letter.replace("$", _DOLLAR))
            elif letter == "\\" and text[self.at + 1 : self.at + 2] in tuple('"\\$`\n'):
                self.at += 1
                self._add(text[self.at].replace("$", _DOLLAR).replace("\n", ""))
            elif letter == "`" or text.startswith(("$(", "${"), self.at):
                self._add(self._substitution())
                continue
            else:
                self._add(letter)
            self.at += 1
        self.at += 1

    def _substitution(self) -> str:
        """``$(...)``, ``${...}`` or `` `...` `` as it stands."""
        text, start = self._text, self.at
        if text[start] == "`":
            end = text.find("`", start + 1)
            self.at = len(text) if end < 0 else end + 1
            return text[start : self.at]
        opening = text[start + 1]
        closing = {"(": ")", "{": "}"}[opening]
        depth = 0
        for place in range(start + 1, len(text)):
            depth += (text[place] == opening) - (text[place] == closing)
            if depth == 0:
                self.at = place + 1
                return text[start : self.at]
        self.at = len(text)
        return text[start:]

    def _operator(self, operator: str) -> None:
        self.end_word()
        self.found.append(Operator(operator))
        self.at += len(operator)
        if operator == "<<":
            self.at += self._text.startswith("-", self.at)
            self._expects_end = True
        elif operator == "\n":
            for place in self._documents:
                self.found[place] = self._document(self.found[place])
            self._documents.clear()

    def _document(self, end: str) -> Word:
        lines = []
        while self.at < len(self._text):
            ends = self._text.find("\n", self.at)
            line = self._text[self.at : ends if ends >= 0 else None]
            self.at += len(line) + 1
            if line.strip() == end:
                break
            lines.append(line)
        self.at = min(self.at, len(self._text))
        body = Word("".join(f"{line}\n" for line in lines))
        body.quoted = True
        return body
