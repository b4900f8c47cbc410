"""``bootstrap pack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, presenting

if TYPE_CHECKING:
    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Make one file of an environment: its lock, the archives that the lock names, and what each file of it is.

The environment is verified first, every file of it. The archives are fetched and compared with the lock. The pack is
a plain tar file; `bootstrap restore --pack FILE` brings the environment back from it, at any prefix.
"""
_EPILOG = """\
examples:
  bootstrap pack -o class.pack -p ./env
  bootstrap restore --pack class.pack -p ./another      brings it back, with no network
  bootstrap restore --pack class.pack --dry-run         what is in it
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "pack", presenting(api.pack), description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the pack to write")
    options.add_prefix(command)
    options.add_lock_file(command, "the environment's lock [default: the one that it was restored from]")
    command.add_argument("--force", action="store_true", help="replace a file that is there")
