"""``bootstrap status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, show
from bootstrap.errors import EXIT_DOUBTFUL, EXIT_OK

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Show what is at a prefix, how it differs from the lock, and whether it is guarded, without reading every file.
"""
_EPILOG = """\
examples:
  bootstrap status -p ./env
  bootstrap status                      the activated environment, or the one made by `run`

exit codes: 0 matches the lock; 3 differs, or doesn't exist
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("status", description=_DESCRIPTION, epilog=_EPILOG)
    options.add_lock(command)
    options.add_prefix(command)
    options.add_cache(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = api.status(args.lock, args.prefix, variant=args.variant, cache=args.cache)
    if args.json:
        print_json(found.to_dict())
    else:
        show(found.to_card(everything=args.verbose))
    return EXIT_OK if found.agrees else EXIT_DOUBTFUL
