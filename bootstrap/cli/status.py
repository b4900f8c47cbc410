"""``bootstrap status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, presenting

if TYPE_CHECKING:
    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Show what is at a prefix, how it differs from the lock, and whether it is guarded, without reading every file.
"""
_EPILOG = """\
examples:
  bootstrap status -p ./env
  bootstrap status                      the activated environment, or the one made by `run`

exit codes: 0 matches the lock; 3 differs, or doesn't exist
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "status", presenting(api.status), description=_DESCRIPTION, epilog=_EPILOG)
    default = "[default: the one here, else the one it was restored from, else the included one]"
    options.add_lock(command, f"path or https URL of a conda-lock.yml {default}")
    options.add_prefix(command)
    options.add_cache(command)
    options.add_pack(command)
    command.add_argument("--offline", action="store_true", help="download neither a lock nor a pack")
