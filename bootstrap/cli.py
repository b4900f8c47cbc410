"""The command line: ``bootstrap COMMAND``."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from bootstrap import __version__
from bootstrap.errors import BootstrapError, InterruptedRestoreError, SystemRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_DESCRIPTION = """\
A locked, isolated conda environment with a numpy that is proven healthy.

  bootstrap run                        have this machine's notebooks run in it
  bootstrap restore --prefix ./env     make the environment that conda-lock.yml says
  bootstrap check --prefix ./env       prove it healthy, or name what is wrong
  bootstrap guard on --prefix ./env    refuse installs that would break it
  bootstrap status --prefix ./env      what is there, in a moment
  bootstrap explain-lock numpy         what the lock holds, and why
  bootstrap diagnose requirements.txt  which requirement would replace numpy
  bootstrap undo                       put back everything that `run` changed
  bootstrap explain hash-mismatch      what an error means, and how to get past it
"""

_EPILOG = """\
exit codes: 0 done or healthy; 3 doubtful or different; 4 broken or guilty; 2 wrong usage; 10-29 the lock; 30-39 the
prefix; 40-49 downloads; 50 the installing engine; 51-59 repair and guard; 60-79 locking; 80-95 the machine and its
notebook; 96-99 the workbench; 100-119 diagnosing; 120-129 what a server or the system refuses; 130 interrupted.
Every error has its own: `bootstrap explain` tells about each.
"""

_HOMES = {
    "run": "bootstrap.commands.run",
    "restore": "bootstrap.commands.restore",
    "check": "bootstrap.commands.check",
    "guard": "bootstrap.commands.guard",
    "status": "bootstrap.commands.status",
    "explain-lock": "bootstrap.commands.explain",
    "diagnose": "bootstrap.commands.diagnose",
    "undo": "bootstrap.commands.undo",
    "explain": "bootstrap.commands.explain_error",
    "lock": "bootstrap.maintain.cli",
    "diff": "bootstrap.maintain.cli",
    "render": "bootstrap.maintain.cli",
}
"""Where each command is registered, in the order of the help."""


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line's grammar.

    Args:
        command: The only command that is called, if that is known: to import all takes longer than some commands do.
    """
    root = argparse.ArgumentParser(
        prog="bootstrap",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"condacolab-bootstrap {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for home in [_HOMES[command]] if command in _HOMES else dict.fromkeys(_HOMES.values()):
        import_module(home).register(commands)
    for each in commands.choices.values():
        _add_output_options(each)
    return root


def _add_output_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="one JSON document on stdout; progress as JSON lines on stderr"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="no progress; only the result, or the error")
    group.add_argument(
        "-v", "--verbose", action="store_true", help="more detail; a traceback with an unforeseen error"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    args = parser(argv[0] if argv else None).parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BootstrapError as error:
        return _tell(error, args)
    except KeyboardInterrupt:
        hint = "Run the same command again: it finishes what was begun."
        return _tell(InterruptedRestoreError("Stopped.", hint=hint), args)
    except BrokenPipeError:
        # The reader has gone (`bootstrap ... | head`): nothing is left to say, not even at exit.
        sys.stdout = None
        return 0
    except Exception as error:
        if args.verbose:
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        evidence = [f"{type(error).__name__}: {error}", f"{where.filename}:{where.lineno}"]
        if isinstance(error, (OSError, MemoryError)):
            return _tell(SystemRefusedError("The operating system refused a step.", evidence=evidence), args)
        hint = "This is a fault of the program: please report it, with what `-v` prints."
        return _tell(BootstrapError("Something went wrong that nobody foresaw.", evidence=evidence, hint=hint), args)
    return code


def _tell(error: BootstrapError, args: argparse.Namespace) -> int:
    if args.json:
        from bootstrap.console import print_json

        print_json(error.to_dict())
    else:
        from bootstrap.console import show_error

        show_error(error)
    return error.exit_code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
