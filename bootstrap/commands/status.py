"""``bootstrap status``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.commands import options
from bootstrap.console import print_json, results
from bootstrap.errors import EXIT_DOUBTFUL, EXIT_OK

if TYPE_CHECKING:
    from bootstrap.prefix import Comparison

_DESCRIPTION = """\
Tell what is at a prefix and how it stands to the lock, without reading every file.

  bootstrap status --prefix ./env       exit 0 if it agrees with the lock, 3 if it differs or isn't there
"""
_SHOWN = 10


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "status",
        help="what is at a prefix, in a moment",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_lock(command)
    options.add_prefix(command)
    options.add_cache(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    found = api.status(args.lock, args.prefix, variant=args.variant, cache=args.cache)
    if args.json:
        print_json(found.to_dict())
    else:
        _show(found, everything=args.verbose)
    return EXIT_OK if found.agrees else EXIT_DOUBTFUL


def _show(found: api.Status, *, everything: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from bootstrap.lock.address import origin

    style = ""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    if not found.environment:
        state = "nothing there yet" if not found.prefix.exists() else "no conda environment"
    elif found.agrees:
        state, style = "agrees with the lock", "green"
    else:
        state, style = "differs from the lock", "yellow"
    table.add_row("prefix", Text.assemble(f"{found.prefix}: ", (state, style)))
    table.add_row("lock", f"{origin(found.lock)}: {found.packages} packages")
    if found.environment and not found.ours:
        table.add_row("", "not restored by bootstrap: `bootstrap restore --adopt` would take it over")
    if found.comparison:
        for line in differences(found.comparison, None if everything else _SHOWN):
            table.add_row("", line)
    table.add_row("cache", f"{found.cache}: {found.cached} of {found.packages} packages")
    results().print(table)


def differences(comparison: Comparison, limit: int | None) -> list[str]:
    """How a prefix differs from a lock, a line each, at most `limit` of them."""
    moved = [f for f in comparison.altered if f.reason == "prefix"]
    lines = [f"moved: {moved[0].detail}, and {len(moved)} files name that place"] if moved else []
    lines += [f"missing: {r}" for r in comparison.missing]
    lines += [
        f"{c.kind}: {c.locked.name} is {c.installed.version} {c.installed.build}, "
        f"locked {c.locked.version} {c.locked.build}"
        for c in comparison.changed
    ]
    lines += [f"not in the lock: {r}" for r in comparison.extra]
    lines += [f"altered ({f.reason}): {f.path} of {f.owner}" for f in comparison.altered if f not in moved]
    lines += [f"laid over {f.owner}: {f.path}" for f in comparison.overlaid]
    lines += [f"unreadable record: {b.meta}: {b.reason}" for b in comparison.unreadable]
    if limit is not None and len(lines) > limit:
        lines = [*lines[:limit], f"and {len(lines) - limit} more (-v shows all)"]
    return lines
