"""``bootstrap explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.cli.command import add_command, call, present
from bootstrap.console import show_prose
from bootstrap.errors import EXIT_OK
from bootstrap.pages import ErrorPage, explain

if TYPE_CHECKING:
    import argparse

    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Show what an error means, how to investigate it, and how to fix it. Works offline.
"""
_EPILOG = """\
examples:
  bootstrap explain hash-mismatch      the name is in an error's last line
  bootstrap explain 43                 or its exit code
  bootstrap explain                    all errors
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "explain", _run, description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument("error", nargs="?", metavar="ERROR", help="an error's name, or its exit code [default: all]")


def _run(args: argparse.Namespace) -> int:
    page = call(explain, args)
    if isinstance(page, ErrorPage) and not args.json:
        show_prose(f"**{page.id}**\n\n{page.text}")
    else:
        present(page, args)
    return EXIT_OK
