"""``bootstrap run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli import options
from bootstrap.console import print_json, progress_for, show

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Run this machine's notebooks in the locked environment: restore it, prove that a kernel starts there, and make every
new kernel start in it (Colab) or register it as a kernel (elsewhere). In a notebook, call `bootstrap.run()` instead,
which also moves the running kernel.
"""
_EPILOG = """\
examples:
  bootstrap run
  bootstrap run --variant cpu -p ./env
  bootstrap undo                                        reverts it
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser("run", description=_DESCRIPTION, epilog=_EPILOG)
    options.add_all_for_making(command)
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    ready = api.run(
        args.variant,
        args.lock,
        args.prefix,
        cache=args.cache,
        offline=args.offline,
        adopt=args.adopt,
        progress=progress_for(quiet=args.quiet, as_json=args.json),
    )
    if args.json:
        print_json(ready.to_dict())
    else:
        show(ready.card)
    return 0
