"""``bootstrap undo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, presenting

if TYPE_CHECKING:
    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Undo everything that `bootstrap run` changed on this machine, even if it was interrupted: the interpreter that kernels
start with, registered kernels, the environment itself and its cache. In a notebook, call `bootstrap.undo()` instead,
which also moves the running kernel back.
"""
_EPILOG = """\
examples:
  bootstrap undo --dry-run              show what it would restore; changes nothing
  bootstrap undo
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "undo", presenting(api.undo), description=_DESCRIPTION, epilog=_EPILOG)
    options.add_dry_run(command, "only show what would be restored")
    options.add_yes(command)
