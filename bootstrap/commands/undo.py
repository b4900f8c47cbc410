"""``bootstrap undo``."""

from __future__ import annotations

import argparse

from bootstrap import api
from bootstrap.console import print_json, results

_DESCRIPTION = """\
Put back everything that `bootstrap run` changed on this machine, from any state, also a half-finished one: the
interpreter that kernels start with, registered kernels, the environment itself and its cache. In a notebook's cell,
call `bootstrap.undo()` instead: that also moves the running kernel back.
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "undo",
        help="put back everything that `run` changed",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    undone = api.undo()
    if args.json:
        print_json(undone.to_dict())
    elif not args.quiet:
        results().print(undone.card)
    return 0
