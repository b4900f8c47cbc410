"""``bootstrap explain-lock``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.commands import options
from bootstrap.console import megabytes, print_json, results

if TYPE_CHECKING:
    from rich.console import Console

    from bootstrap.lock.explain import Explanation, Why

_DESCRIPTION = """\
Tell what a lock would install; with a package's name, why it is in there. Fails with the lock's fault, if it has one.

  bootstrap explain-lock
  bootstrap explain-lock libzlib --lock conda-lock-cuda.yml
"""
_KEY_PACKAGES = ("python", "numpy", "pytorch", "pytorch-lightning", "datasets", "optuna")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "explain-lock",
        help="what a lock holds, and why",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("package", nargs="?", help="a package to explain")
    options.add_lock(command)
    command.add_argument("--platform", default=api.PLATFORM, help=f"default {api.PLATFORM}")
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = api.explain_lock(args.lock, args.package, variant=args.variant, platform=args.platform)
    if args.json:
        print_json(found.to_dict())
        return 0
    console = results()
    if found.why:
        _show_why(console, found.why)
    else:
        _show_lock(console, found)
    return 0


def _show_lock(console: Console, found: Explanation) -> None:
    from rich.table import Table

    from bootstrap.lock.address import origin

    size = megabytes(found.bytes_known) if found.bytes_known else "size not stated"
    if found.bytes_known and found.sizes_unknown:
        size += f" and {found.sizes_unknown} of unknown size"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("lock", f"{origin(found.lock)}: sound")
    table.add_row("platforms", ", ".join(found.platforms))
    table.add_row("channels", ", ".join(found.channels))
    table.add_row("packages", f"{len(found.records)} on {found.platform}, {size}")
    for name in _KEY_PACKAGES:
        if version := found.version(name):
            table.add_row(f"  {name}", version)
    table.add_row("largest", ", ".join(f"{r.name} {megabytes(r.size)}" for r in found.largest if r.size))
    table.add_row("needed by none", ", ".join(r.name for r in found.roots))
    console.print(table)


def _show_why(console: Console, why: Why) -> None:
    from rich.text import Text

    record = why.record
    console.print(Text.assemble((str(record), "bold"), f" {record.build}, line {record.line} of the lock"))
    console.print(f"  {record.url}")
    console.print(f"  sha256 {record.sha256}")
    if why.needed_by:
        console.print(f"  way to it: {' -> '.join(why.path)}")
        console.print("  needed by:")
        for name, spec in why.needed_by:
            console.print(f"    {name}: {record.name} {spec}".rstrip())
    else:
        console.print("  no other package needs it: environment.yml names it")
