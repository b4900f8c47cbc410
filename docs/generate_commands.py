"""Writes docs/commands.md from the command line's own grammar: ``python docs/generate_commands.py``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bootstrap.cli import parser

HEAD = """\
# Commands

What the command line knows, as `bootstrap COMMAND --help` shows it too. Exit codes are in
[Exit codes and errors](errors.md). This page is written by `python docs/generate_commands.py` from the code.
"""


def page() -> str:
    """The page's text."""
    root = parser()
    parts = [HEAD, _text(root.description), _options(root)]
    commands = next(a for a in root._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        parts += [f"## bootstrap {name}", _text(command.description), _options(command), _text(command.epilog)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _text(text: str | None) -> str:
    """Help text as it stands: its examples are lined up."""
    if not text:
        return ""
    prose, examples = [], []
    for line in text.strip("\n").splitlines():
        (examples if examples or line.startswith("  ") or line.endswith(":") else prose).append(line)
    shown = "\n".join(prose).strip()
    if examples:
        shown += "\n\n```text\n" + "\n".join(examples).strip("\n") + "\n```"
    return shown


def _options(command: argparse.ArgumentParser) -> str:
    rows = ["| option | meaning |", "|---|---|"]
    for action in command._actions:
        if isinstance(action, (argparse._SubParsersAction, argparse._HelpAction)):
            continue
        rows.append(f"| {_names(action)} | {_meaning(command, action)} |")
    return "\n".join(rows)


def _names(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        choices = "\\|".join(map(str, action.choices)) if action.choices else ""
        value = str(choices or action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"`{f'[{value}]' if action.nargs == '?' else value}`"
    return ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings)


def _meaning(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    # The same words as argparse's help, with what it would fill in.
    known = {**vars(action), "prog": command.prog}
    return ((action.help or "") % known).replace("|", "\\|")


if __name__ == "__main__":
    (Path(__file__).parent / "commands.md").write_text(page(), encoding="utf-8")
    sys.exit(0)
