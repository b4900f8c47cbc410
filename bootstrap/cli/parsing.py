"""The command line's grammar: argparse, whose complaints are errors like every other."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

from bootstrap.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST = 100
_NARROWEST = 12
_CHOICE = re.compile(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)
_COLOURED = re.compile(r"^(?P<heading>\S.*:)$|(?<=^  )(?P<name>-?-?[a-z][\w-]*(?:, --[a-z-]+)*)", re.MULTILINE)


class _Formatter(argparse.HelpFormatter):
    """Lays out every part of the help for the terminal's width; in a wide one, for lines that are easy to read."""

    def __init__(self, prog: str, **options: Any) -> None:
        options["width"] = min(options.get("width") or shutil.get_terminal_size().columns - 2, _WIDEST)
        super().__init__(prog, **options)

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - argparse's
        return "\n\n".join(_laid_out(block, width) for block in text.strip("\n").split("\n\n"))


def _laid_out(block: str, width: int) -> str:
    """A paragraph; or a heading with indented lines below it, each a command and what it does, or prose."""
    heading, *lines = block.splitlines()
    if not heading.endswith(":"):
        return _filled(block, width)
    pairs = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines]
    firsts = [pair[0] for pair in pairs if len(pair) == 2]
    if not firsts:
        return f"{heading}\n{_filled(' '.join(map(str.strip, lines)), width, '  ')}"
    column = 4 + max([_NARROWEST, *(len(first) for first in firsts if len(first) <= width * 0.55)])
    out = [heading]
    for first, *told in pairs:
        text = _filled("".join(told), width, " " * column)
        beside = len(first) + 4 <= column
        out += [f"  {first}{text[len(first) + 2 :]}"] if beside else [f"  {first}", *filter(None, [text])]
    return "\n".join(out)


def _filled(text: str, width: int, indent: str = "") -> str:
    """Words in lines; a name with hyphens stays whole."""
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


class Parser(argparse.ArgumentParser):
    """A command's grammar. Wrong usage raises a `UsageError` with this command's usage, and what may be meant."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        if sys.version_info >= (3, 14):
            # Its colours would get into what an error quotes.
            options.setdefault("color", False)
        super().__init__(*args, **options)
        self.set_defaults(parser=self)
        self._positionals.title = "arguments"

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments; what the command doesn't know is wrong usage of that command, not of the program.

        Raises:
            UsageError: They make no sense.
        """
        arguments, unknown = self.parse_known_args(args, namespace)
        if unknown:
            arguments.parser.refuse(unknown)
        return arguments

    @property
    def options(self) -> list[str]:
        """Every option, long and short."""
        return [name for action in self._actions for name in action.option_strings]

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Names the first argument that the command doesn't know, and the one that it may be meant for."""
        word = unknown[0].partition("=")[0]
        if not word.startswith("-"):
            folder = "Pass an environment's folder with `--prefix`." if "--prefix" in self.options else ""
            self.error(f"Unexpected argument: {' '.join(unknown)}.", folder)
        if word in self.options:
            self.error(f"{word} comes before the command.", f"Put options after the command: `{self.prog} {word}`.")
        self.error(f"`{self.prog}` has no option {word}.", did_you_mean(word, self.options))

    def error(self, message: str, hint: str = "") -> NoReturn:
        """Raises wrong usage.

        Args:
            message: What is wrong with it.
            hint: What may be meant.

        Raises:
            UsageError: Always.
        """
        if choice := _CHOICE.fullmatch(message):
            what, word, known = choice[1], choice[2], re.findall(r"[\w.-]+", choice[3])
            message = f"{what} must be one of {', '.join(known)}, not {word}."
            hint = did_you_mean(word, known)
        message = message.removeprefix("argument ").replace("the following arguments are required:", "missing:")
        usage = " ".join(self.format_usage().split())
        help_ = f"Run `{self.prog} --help` for details."
        raise UsageError(message[:1].upper() + message[1:], evidence=[usage], hint=f"{hint} {help_}".strip())

    def print_help(self, file: Any = None) -> None:
        """Writes the help: headings and names stand out where the stream is a terminal."""
        file = file or sys.stdout
        coloured = file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        file.write(_COLOURED.sub(_colour, self.format_help()) if coloured else self.format_help())


def _colour(match: re.Match[str]) -> str:
    return f"\033[1m{match[0]}\033[0m" if match["heading"] else f"\033[36m{match[0]}\033[0m"
