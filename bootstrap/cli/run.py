"""``bootstrap run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, presenting

if TYPE_CHECKING:
    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Run this machine's notebooks in the locked environment: restore it, prove that a kernel starts there, and make every
new kernel start in it (Colab) or register it as a kernel (elsewhere). In a notebook, call `bootstrap.run()` instead,
which also moves the running kernel.
"""
_EPILOG = """\
examples:
  bootstrap run
  bootstrap run --variant cpu -p ./env
  bootstrap run --pack class.pack                       from one file, which `bootstrap pack` made
  bootstrap undo                                        reverts it
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "run", presenting(api.run), description=_DESCRIPTION, epilog=_EPILOG)
    options.add_all_for_making(command)
