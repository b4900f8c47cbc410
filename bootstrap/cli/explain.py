"""``bootstrap explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.console import print_json, show, show_prose
from bootstrap.pages import ErrorPage, explain

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Show what an error means, how to investigate it, and how to fix it. Works offline.
"""
_EPILOG = """\
examples:
  bootstrap explain hash-mismatch      the name is in an error's last line
  bootstrap explain 43                 or its exit code
  bootstrap explain                    all errors
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("explain", description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument("error", nargs="?", metavar="ERROR", help="an error's name, or its exit code [default: all]")
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = explain(args.error)
    if args.json:
        print_json(found.to_dict())
    elif isinstance(found, ErrorPage):
        show_prose(f"**{found.id}**\n\n{found.text}")
    else:
        show(found.card)
    return 0
