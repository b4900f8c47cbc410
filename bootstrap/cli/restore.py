"""``bootstrap restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.cli.command import add_command, call, present
from bootstrap.errors import EXIT_OK
from bootstrap.locate import default_prefix, find_lock

if TYPE_CHECKING:
    import argparse

    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Create an environment from a lock, or update an existing one by installing only the differences.

Every archive's sha256 is compared with the lock before its files are used. A new environment is built beside the
prefix and moved there once every file is verified; an existing one works until then, and is unchanged if anything
fails. If the prefix already matches the lock, nothing is done.
"""
_EPILOG = """\
examples:
  bootstrap restore -p ./env                            from ./conda-lock.yml, or the one shipped
  bootstrap restore -f other-lock.yml -n work           your own lock, an environment by conda name
  bootstrap restore -p ./env --offline                  from the cache only
  bootstrap restore -p ./env --pack class.pack          from one file, which `bootstrap pack` made
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "restore", _run, description=_DESCRIPTION, epilog=_EPILOG)
    options.add_all_for_making(command)
    options.add_dry_run(command, "only compare with the lock, as `bootstrap status` does, and show what is in a pack")


def _run(args: argparse.Namespace) -> int:
    if args.dry_run:
        lock = args.lock
        if args.pack is None:  # a pack has its own
            lock = find_lock(lock, variant=args.variant, cache=args.cache, offline=args.offline)
        present(call(api.status, args, lock=lock, prefix=args.prefix or default_prefix(to_make=True)), args)
    else:
        present(call(api.restore, args), args)
    return EXIT_OK
