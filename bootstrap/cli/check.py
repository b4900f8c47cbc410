"""``bootstrap check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.card import Card
from bootstrap.cli import options
from bootstrap.cli.command import add_command, call
from bootstrap.console import print_json, show
from bootstrap.locate import default_prefix

if TYPE_CHECKING:
    import argparse

    from bootstrap.cli.command import Commands

_DESCRIPTION = """\
Prove an environment healthy, or name each damaged file, its owner, since when, and the repair. Compares records
with the lock, hashes every file, and tests numpy and its dependents in a fresh process. With --repair, repairs and
checks again.
"""
_EPILOG = """\
examples:
  bootstrap check -p ./env                       against the lock it was restored from
  bootstrap check -p ./env --lock other.yml
  bootstrap check --python /usr/bin/python3      an interpreter with pip's packages
  bootstrap check -p ./env --quick               numpy, and files that look changed: about two seconds
  bootstrap check -p ./env --repair              repair what is damaged, then check again
  bootstrap check -p ./env --repair --dry-run    only show what a repair would do

in a notebook, `import bootstrap; bootstrap.check()` also examines the running kernel

exit codes: 0 healthy, 3 doubtful, 4 broken
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "check", _run, description=_DESCRIPTION, epilog=_EPILOG)
    where = options.add_prefix(command)
    where.add_argument("--python", metavar="EXECUTABLE", help="examine this interpreter instead, or an environment's")
    options.add_lock_file(command, "compare with this lock [default: the one it was restored from]")
    command.add_argument(
        "--import",
        dest="imports",
        action="append",
        metavar="PACKAGE",
        help="import only this package; can be repeated",
    )
    level = command.add_mutually_exclusive_group()
    level.add_argument("--full", action="store_true", help="check every file and dependent [default]")
    level.add_argument(
        "--quick",
        action="store_true",
        help="numpy's files and files that look changed; imports scipy, pandas, pyarrow",
    )
    command.add_argument(
        "--repair",
        action="store_true",
        help="reinstall damaged packages (from the lock's archives or with pip), set aside unowned files",
    )
    options.add_dry_run(command, "with --repair: only show what it would do")
    options.add_yes(command)


def _run(args: argparse.Namespace) -> int:
    from bootstrap.health.repair import plan

    if args.dry_run and not args.repair:
        args.parser.error("--dry-run requires --repair: a check alone changes nothing.")
    report = call(
        api.check,
        args,
        prefix=args.prefix if args.prefix or args.python else default_prefix(),
        full=not args.quick,
        repair=args.repair and not args.dry_run,
    )
    todo = list(map(str, plan(report))) if args.dry_run else None
    if args.json:
        print_json({**report.to_dict(), **({} if todo is None else {"would_do": todo})})
    else:
        show(report.in_full if args.verbose else report.card)
        if todo is not None:
            nothing = "there is nothing to repair" if report.ok else "a repair can't fix this"
            title = "nothing was changed; a repair would" if todo else nothing
            show(Card(title=title, word="dry run", details=tuple(todo)))
    return report.exit_code
