"""``bootstrap diagnose``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import api
from bootstrap.cli.command import add_command, call, present
from bootstrap.errors import NoPinnedSetError

if TYPE_CHECKING:
    import argparse

    from bootstrap.cli.command import Commands

_PACKAGE = re.compile(r"[A-Za-z][\w-]*(\[.*\])? *([<>=!~].*)?")
_DESCRIPTION = """\
Find which requirement would replace or break numpy, or already did. Resolves against a metadata-only copy of the
environment; the environment itself is never changed.
"""
_EPILOG = """\
examples:
  bootstrap diagnose requirements.txt                         what it would do to this Python
  bootstrap diagnose requirements.txt --python python3.12     to another one
  bootstrap diagnose requirements.txt --against freeze.txt    to the environment in a `pip freeze` file
  bootstrap diagnose 'optuna>=3' captum                       without a file
  bootstrap diagnose requirements.txt --install               prove it in temporary copies
  bootstrap diagnose requirements.txt --write-minimal m.txt --write-pinned p.txt
  bootstrap diagnose notebook.ipynb                           which cell changes numpy under the kernel
  bootstrap diagnose --history                                what was installed here so far

exit codes: 0 ok, 3 doubtful (can't be resolved, or other packages would break), 4 broken
"""


def register(commands: Commands) -> None:
    """Adds the command."""
    command = add_command(commands, "diagnose", _run, description=_DESCRIPTION, epilog=_EPILOG)
    command.add_argument(
        "source", nargs="*", metavar="FILE", help="a requirements file, a notebook (.ipynb), or packages as for pip"
    )
    command.add_argument(
        "-r", "--requirement", action="append", default=[], metavar="FILE", help="the same, as pip takes it"
    )
    command.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="REQUIREMENT",
        help="a package, also where a file has its name; repeatable",
    )
    command.add_argument("--history", action="store_true", help="reconstruct what was installed in this runtime")
    about = command.add_argument_group("environment to examine")
    about.add_argument("--python", metavar="EXECUTABLE", help="the target Python [default: the running one]")
    about.add_argument(
        "--against", type=Path, metavar="FILE", help="a pip freeze file, instead of what that Python has installed"
    )
    about.add_argument("--as-of", metavar="DAY", help="ignore uploads after this date (2025-11-15)")
    how = command.add_argument_group("how")
    how.add_argument(
        "--resolver",
        choices=["auto", "pip", "uv"],
        default="auto",
        help="auto: uv if installed, confirmed by pip [default: %(default)s]",
    )
    how.add_argument(
        "--install", action="store_true", help="also install into temporary copies and check what breaks"
    )
    how.add_argument(
        "--build",
        action="store_true",
        help="also build source-only packages, which runs their setup.py or build backend",
    )
    how.add_argument(
        "--pip-option",
        dest="options",
        action="append",
        default=[],
        metavar="OPTION",
        help="an option of the pip command, e.g. --pip-option=--upgrade; repeatable",
    )
    out = command.add_argument_group("ways out")
    out.add_argument(
        "--write-minimal", type=Path, metavar="FILE", help="write the requirements that change no installed package"
    )
    out.add_argument("--write-pinned", type=Path, metavar="FILE", help="write exact versions that keep numpy")
    out.add_argument("--force", action="store_true", help="replace existing files")
    out.add_argument("--markdown", action="store_true", help="print Markdown, for a bug report")


def _run(args: argparse.Namespace) -> int:
    packages = [word for word in args.source if _PACKAGE.fullmatch(word) and not Path(word).exists()]
    files = [word for word in args.source if word not in packages] + args.requirement
    packages += args.require
    if len(files) + bool(packages) + args.history != 1:
        args.parser.error("Pass one file, or packages, or --history.")
    try:
        result = call(api.diagnose, args, source=Path(files[0]) if files else packages or None)
    except NoPinnedSetError as error:
        # The file can't be written, but the question can be answered.
        if error.diagnosis is not None and not args.json:
            present(error.diagnosis, args)
        raise
    present(result, args)
    return int(result.exit_code)
