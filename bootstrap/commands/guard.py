"""``bootstrap guard``."""

from __future__ import annotations

import argparse

from bootstrap import api
from bootstrap.commands import options
from bootstrap.console import print_json, show
from bootstrap.errors import EXIT_DOUBTFUL, EXIT_OK

_DESCRIPTION = """\
Keep an environment as it was proven: conda, pip and uv refuse to replace a locked package, and install everything
else. `off` lifts that, and is noted in the environment.

  bootstrap guard on --prefix ./env
  bootstrap guard status --prefix ./env
  bootstrap guard off --prefix ./env
exit codes: 0 done; `status`: 0 guarded, 3 not guarded, or not wholly
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "guard",
        help="refuse installs that would replace a locked package",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("action", choices=["on", "off", "status"])
    options.add_prefix(command)
    command.add_argument("--lock", metavar="FILE", help="hold this lock's packages; else those of the last restore")
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
