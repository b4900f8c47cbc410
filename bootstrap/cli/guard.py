"""``bootstrap guard``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, show
from bootstrap.errors import EXIT_DOUBTFUL, EXIT_OK

if TYPE_CHECKING:
    import argparse

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


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("guard", description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument(
        "action", nargs="?", choices=["on", "off", "status"], default="status", help="[default: status]"
    )
    options.add_prefix(command)
    options.add_lock_file(command, "guard this lock's packages [default: those of the last restore]")
    options.add_yes(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bootstrap import guard

    prefix = args.prefix or api.default_prefix()
    if args.action == "on":
        found = guard.on(prefix, args.lock)
    elif args.action == "off":
        found = guard.off(prefix)
    else:
        found = guard.status(prefix)
    if args.json:
        print_json(found.to_dict())
    else:
        show(found.card)
    return EXIT_OK if args.action != "status" or found.active else EXIT_DOUBTFUL
