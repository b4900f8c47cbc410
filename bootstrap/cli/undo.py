"""``bootstrap undo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, show

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Undo everything that `bootstrap run` changed on this machine, even if it was interrupted: the interpreter that kernels
start with, registered kernels, the environment itself and its cache. In a notebook, call `bootstrap.undo()` instead,
which also moves the running kernel back.
"""
_EPILOG = """\
examples:
  bootstrap undo --dry-run              show what it would restore; changes nothing
  bootstrap undo
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("undo", description=_DESCRIPTION, epilog=_EPILOG)
    options.add_dry_run(command, "only show what would be restored")
    options.add_yes(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    undone = api.undo(dry_run=args.dry_run)
    if args.json:
        print_json(undone.to_dict())
    elif not args.quiet:
        show(undone.card)
    return 0
