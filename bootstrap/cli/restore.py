"""``bootstrap restore``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, progress_for, show
from bootstrap.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

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
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("restore", description=_DESCRIPTION, epilog=_EPILOG)
    options.add_all_for_making(command)
    options.add_dry_run(command, "only compare with the lock, as `bootstrap status` does")
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.dry_run:
        prefix = args.prefix or api.default_prefix(to_make=True)
        found = api.status(args.lock, prefix, variant=args.variant, cache=args.cache)
        if args.json:
            print_json(found.to_dict())
        else:
            show(found.to_card(everything=args.verbose))
        return EXIT_OK
    result = api.restore(
        args.lock,
        args.prefix,
        variant=args.variant,
        cache=args.cache,
        offline=args.offline,
        adopt=args.adopt,
        progress=progress_for(quiet=args.quiet, as_json=args.json),
    )
    if args.json:
        print_json(result.to_dict())
        return EXIT_OK
    card = result.card
    if args.verbose:
        from bootstrap.lock.address import origin

        rows = [("lock", origin(result.lock)), *((part, f"{took:.2f} s") for part, took in result.seconds.items())]
        changes = [*(f"- {name}" for name in result.removed), *(f"+ {name}" for name in result.installed)]
        card = replace(card, rows=tuple(rows), details=tuple(changes))
    show(card)
    return EXIT_OK
