"""``bootstrap restore``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.commands import options
from bootstrap.console import megabytes, print_json, progress_for, results

if TYPE_CHECKING:
    from bootstrap.prefix import Restored

_DESCRIPTION = """\
Make the environment that a lock says, or bring one to it by the difference alone.

Every archive's sha256 is compared with the lock before its files are used. A new environment is built beside its
place and moved there when every file is proven; one that is in place works until then, and is unchanged if
anything fails. Where the prefix agrees already, nothing is done.

  bootstrap restore --prefix ./env                      from ./conda-lock.yml
  bootstrap restore --lock other-lock.yml --prefix ./env
  bootstrap restore --prefix ./env --offline            from the cache alone
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "restore",
        help="make or update an environment from a lock",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_all_for_making(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
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
    else:
        _show(result, verbose=args.verbose)
    return 0


def _show(result: Restored, *, verbose: bool) -> None:
    from rich.text import Text

    from bootstrap.lock.address import origin

    console = results()
    seconds = sum(result.seconds.values())
    if result.action == "unchanged":
        told = f"  {result.prefix} agrees with {origin(result.lock)} ({result.packages} packages)"
        console.print(Text.assemble(("ready", "green"), told))
    else:
        fetched = f", {result.fetched} fetched" if result.fetched else ", all from the cache"
        size = f" ({megabytes(result.fetched_bytes)})" if result.fetched_bytes else ""
        told = f"{result.packages} packages, {len(result.installed)} installed{fetched}{size}, {seconds:.1f} s"
        console.print(Text.assemble((result.action, "green"), f"  {result.prefix}: {told}"))
    if verbose:
        console.print(f"  lock: {origin(result.lock)}")
        for part, took in result.seconds.items():
            console.print(f"  {part}: {took:.2f} s")
        for name in result.removed:
            console.print(f"  - {name}")
        for name in result.installed:
            console.print(f"  + {name}")
