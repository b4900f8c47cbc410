"""``bootstrap explain-lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, show

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Show what a lock would install or, given a package, why it is in the lock. Fails with an error if the lock is invalid.
"""
_EPILOG = """\
examples:
  bootstrap explain-lock
  bootstrap explain-lock libzlib -f conda-lock-cuda.yml
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("explain-lock", description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument(
        "package", nargs="?", metavar="PACKAGE", help="a package to explain [default: the whole lock]"
    )
    options.add_lock(command)
    command.add_argument("--platform", default=api.PLATFORM, metavar="SUBDIR", help="[default: %(default)s]")
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = api.explain_lock(args.lock, args.package, variant=args.variant, platform=args.platform)
    if args.json:
        print_json(found.to_dict())
    else:
        show(found.card)
    return 0
