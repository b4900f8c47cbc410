"""``bootstrap check``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bootstrap import api
from bootstrap.commands import options
from bootstrap.console import print_json, progress_for, results

_DESCRIPTION = """\
Prove an environment healthy: records against the lock, every file's hash, numpy's origin and version, known
answers, imports of what depends on numpy in a fresh process, arrays shared without copies. Or name the damaged
file, its owner, since when, and the repair. With --repair, do it, and check again.

  bootstrap check --prefix ./env                    against the lock it was restored from
  bootstrap check --prefix ./env --lock other.yml
  bootstrap check --python /usr/bin/python3         an interpreter with pip's packages
  bootstrap check --prefix ./env --quick            numpy, and what shows a sign of change: about two seconds
  bootstrap check --prefix ./env --repair           put back what is damaged, then check again
in a notebook, `import bootstrap; bootstrap.check()` examines the running kernel as well
exit codes: 0 healthy, 3 doubtful, 4 broken
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "check",
        help="prove an environment healthy, or name what is wrong",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = command.add_mutually_exclusive_group()
    options.add_prefix(where)
    where.add_argument("--python", type=Path, metavar="EXECUTABLE", help="examine this interpreter instead")
    command.add_argument(
        "--lock", metavar="FILE", help="compare with this lock; default the one it was restored from"
    )
    command.add_argument(
        "--import",
        dest="imports",
        action="append",
        metavar="PACKAGE",
        help="import only this package; can be repeated",
    )
    level = command.add_mutually_exclusive_group()
    level.add_argument("--full", action="store_true", help="every file, every dependent; the default")
    level.add_argument(
        "--quick", action="store_true", help="numpy's files and those that show a change; scipy, pandas, pyarrow"
    )
    command.add_argument(
        "--repair",
        action="store_true",
        help="put damaged packages back (from the lock's archives, or with pip), set aside what nobody owns",
    )
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bootstrap.integrity import exit_code, render

    report = api.check(
        args.prefix if args.prefix or args.python else api.default_prefix(),
        python=args.python,
        lock=args.lock,
        imports=args.imports,
        full=not args.quick,
        repair=args.repair,
        progress=progress_for(quiet=args.quiet, as_json=args.json),
    )
    if args.json:
        print_json(report.to_dict())
    else:
        results().print(render(report, probes=args.verbose))
    return exit_code(report)
