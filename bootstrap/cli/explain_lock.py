"""``bootstrap explain-lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, presenting
from bootstrap.lock.model import PLATFORM

if TYPE_CHECKING:
    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Show what a lock would install or, given a package, why it is in the lock. Fails with an error if the lock is invalid.
"""
_EPILOG = """\
examples:
  bootstrap explain-lock                                   the lock here, else the included one
  bootstrap explain-lock libzlib -f conda-lock-cuda.yml    why it is there
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(
        commands, "explain-lock", presenting(api.explain_lock), description=_DESCRIPTION, epilog=_EPILOG
    )
    command.add_argument(
        "package", nargs="?", metavar="PACKAGE", help="a package to explain [default: the whole lock]"
    )
    options.add_lock(command)
    command.add_argument("--platform", default=PLATFORM, metavar="SUBDIR", help="[default: %(default)s]")
