"""``bootstrap explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli.command import add_command, presenting

if TYPE_CHECKING:
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
    command = add_command(commands, "explain", presenting(api.explain), description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument("error", nargs="?", metavar="ERROR", help="an error's name, or its exit code [default: all]")
