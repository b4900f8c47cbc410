"""``bootstrap guard``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.cli import options
from bootstrap.cli.command import add_command, call, present
from bootstrap.errors import EXIT_DOUBTFUL, EXIT_OK
from bootstrap.locate import default_prefix

if TYPE_CHECKING:
    import argparse

    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Make conda, pip and uv refuse to replace a locked package; everything else installs. `off` removes the guard and
records that in the environment. Without an argument, shows whether it is on.
"""
_EPILOG = """\
examples:
  bootstrap guard on -p ./env
  bootstrap guard -p ./env              whether it is on
  bootstrap guard off -p ./env

exit codes: 0 done; `status`: 0 guarded, 3 not guarded or incomplete
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "guard", _run, description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument(
        "action", nargs="?", choices=["on", "off", "status"], default="status", help="[default: status]"
    )
    options.add_prefix(command)
    options.add_lock_file(command, "guard this lock's packages [default: those of the last restore]")
    options.add_yes(command)


def _run(args: argparse.Namespace) -> int:
    from bootstrap import guard

    state = call(getattr(guard, args.action), args, prefix=args.prefix or default_prefix())
    present(state, args)
    return EXIT_OK if args.action != "status" or state.active else EXIT_DOUBTFUL
