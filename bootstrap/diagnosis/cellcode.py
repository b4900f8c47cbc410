"""A notebook cell as Python: its own lines (``!``, ``%``, ``?``) become calls, as IPython makes them."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from bootstrap.diagnosis.python_calls import MARK
from bootstrap.diagnosis.values import PLACEHOLDER, UNKNOWN, Evaluator, Ref, as_word

_LINE = re.compile(
    r"^(?P<indent>\s*)(?P<to>[A-Za-z_][\w.,\s\[\]'\"]*=\s*)?(?P<sign>!!?|%(?=[A-Za-z]))(?P<rest>.*)$", re.DOTALL
)
_BARE = re.compile(r"^(?P<indent>\s*)(?P<rest>(?:pip3?|conda|mamba|micromamba|uv)\s+[\w-]+.*)$", re.DOTALL)
_HELP = re.compile(r"^\s*(?:\?{1,2}\s*[\w.%*]+|[%\w.*]+\s*\?{1,2})\s*$")
_AROUND = re.compile(r"^(?:time|timeit|prun|memit|mprun|lprun)\s+(?:-\S+\s+)*(?P<code>.+)$", re.DOTALL)
_ESCAPED = r"(?:\\.|[^\\])*?"
_ENDS = {quote: re.compile(f"{_ESCAPED}{quote}") for quote in ('"""', "'''")}
_PIECE = re.compile(
    rf"(?P<triple>\"{{3}}|'{{3}})(?:{_ESCAPED}(?P=triple)|(?P<open>))|(?P<quote>['\"]){_ESCAPED}(?:(?P=quote)|$)|(?P<comment>#)|\\?."
)
_REPAIRS = 30
_REPAIRABLE = 200_000


@dataclass(frozen=True)
class CellCode:
    """A cell's code as a tree."""

    tree: ast.Module
    broken: int = 0
    """The first line that is no Python, left out; 0 where there is none."""


def parse_cell(lines: list[str]) -> CellCode | None:
    """The code of a cell, without the lines that can't be read; None where nothing can be.

    Raises:
        ValueError, RecursionError, MemoryError: As Python's own parser does.
    """
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]  # as IPython has it
    lines, broken = [line.removeprefix(indent) for line in lines], 0
    repairs = _REPAIRS if sum(map(len, lines)) < _REPAIRABLE else 0
    for _ in range(repairs + 1):
        try:
            return CellCode(_parsed("\n".join(_as_python(lines))), broken)
        except SyntaxError as error:
            at = min(max(error.lineno or 1, 1), len(lines)) - 1
            while at > 0 and not lines[at].strip():
                at -= 1
            line = lines[at]
            # A newer Python nests quotes in f-strings: the rest of the cell is none the worse for it.
            modern = re.search(r"\b[rR]?[fF][rR]?['\"]", line)
            broken = broken or (0 if modern else at + 1)
            indent = line[: len(line) - len(line.lstrip())]
            if line.strip() == "pass":
                return None
            lines[at] = f"{indent}pass" if line.strip() else ""
    return None


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(text, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if not isinstance(tree, ast.Module):
        raise TypeError
    return tree


def _as_python(lines: list[str]) -> list[str]:
    code: list[str] = []
    at, quote, depth, joined = 0, "", 0, False
    while at < len(lines):
        line, start = lines[at], at
        at += 1
        match = None
        if not quote and not depth and not joined:
            if _HELP.match(line):
                code.append("")
                continue
            match = _LINE.match(line) or _BARE.match(line)
        if match is None:
            code.append(line)
            quote, depth, joined = _scan(line, quote, depth)
            continue
        rest = match["rest"]
        while rest.endswith("\\") and at < len(lines):
            rest = f"{rest[:-1]} {lines[at].strip()}"
            at += 1
        parts = match.groupdict()
        code.append(f"{match['indent']}{parts.get('to') or ''}{_call(parts.get('sign') or '%', rest, start + 1)}")
        code += [""] * (at - start - 1)
    return code


def _call(sign: str, rest: str, line: int) -> str:
    if sign == "%" and (around := _AROUND.match(rest)):
        inner = around["code"].strip()
        return f"{MARK}({inner!r}, {line})" if inner.startswith(("!", "%")) else inner
    return f"{MARK}({sign + rest.strip()!r}, {line})"


def _scan(line: str, quote: str, depth: int) -> tuple[str, int, bool]:
    """Whether a text of several lines or a bracket is open at a line's end, or the line continues."""
    at = 0
    if quote:
        end = _ENDS[quote].match(line)
        if end is None:
            return quote, depth, False
        at = end.end()
    for piece in _PIECE.finditer(line, at):
        if piece["comment"]:
            return "", depth, False
        if piece["open"] is not None:
            return piece["triple"], depth, False
        depth = max(0, depth + (piece[0] in "([{") - (piece[0] in ")]}"))
    return "", depth, line.endswith("\\")


_FILLED = re.compile(r"\$\$(?P<escaped>\w+)|(?<![$\\])\{(?P<code>[^{}]+)\}|\$(?P<name>[A-Za-z_]\w*)")


def filled(text: str, names: Evaluator) -> str:
    """A shell line with ``{expressions}`` and ``$names`` of Python filled in, as far as they are known."""

    def fill(match: re.Match[str]) -> str:
        if match["escaped"]:
            return f"${match['escaped']}"
        if match["name"]:
            held = names.values.get(match["name"])
            return str(held) if isinstance(held, (str, int, float)) and not isinstance(held, Ref) else match[0]
        try:
            node = ast.parse(match["code"].strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return match[0]
        value = names.value(node)
        if isinstance(value, list) and UNKNOWN not in value:
            return str(value)
        if isinstance(value, Ref) and (word := as_word(value)) != PLACEHOLDER:
            return word
        if isinstance(value, (str, int, float)) and not isinstance(value, Ref):
            return "{sys.executable}" if names.dotted(node) == "sys.executable" else str(value)
        return match[0] if not re.search(r"[\s'\"]", match[0]) else PLACEHOLDER

    return _FILLED.sub(fill, text)
