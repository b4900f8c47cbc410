"""The command line: ``bootstrap COMMAND``."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from bootstrap._version import __version__
from bootstrap.commands.parsing import Parser
from bootstrap.errors import (
    EXIT_OK,
    BootstrapError,
    InterruptedRestoreError,
    SystemRefusedError,
    UsageError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_COMMANDS = {
    "a notebook's machine": {
        "run": ("bootstrap.commands.run", "have this machine's notebooks run in the environment"),
        "undo": ("bootstrap.commands.undo", "put back everything that `run` changed"),
    },
    "an environment": {
        "restore": ("bootstrap.commands.restore", "make or update it from a lock"),
        "check": ("bootstrap.commands.check", "prove it healthy, or name what is wrong and mend it"),
        "guard": ("bootstrap.commands.guard", "refuse installs that would replace a locked package"),
        "status": ("bootstrap.commands.status", "what is there, in a moment"),
    },
    "questions": {
        "diagnose": ("bootstrap.commands.diagnose", "which requirement would replace or break numpy, or did"),
        "explain-lock": ("bootstrap.commands.explain", "what a lock holds, and why"),
        "explain": ("bootstrap.commands.explain_error", "what an error means, and how to get past it"),
    },
    "locks, for maintainers": {
        "lock": ("bootstrap.maintain.cli", "write them anew, update one package, or check them"),
        "diff": ("bootstrap.maintain.cli", "compare two"),
        "render": ("bootstrap.maintain.cli", "write one as an explicit file for conda"),
    },
    "your shell": {
        "completion": ("bootstrap.commands.completion", "print its completion of these commands"),
    },
}
"""Where each command is registered and what it does, in the order of the help."""

_HOMES = {name: home for group in _COMMANDS.values() for name, (home, _) in group.items()}

_EPILOG = """\
examples:
  bootstrap restore -p ./env           make the environment that conda-lock.yml says
  bootstrap check -p ./env             prove it healthy
  bootstrap diagnose requirements.txt  which requirement would replace numpy
  bootstrap explain hash-mismatch      what an error means; every error's last line says its name

exit codes:
  0 done or healthy; 3 doubtful or different; 4 broken or guilty; 2 wrong usage; 10-29 the lock; 30-39 the prefix;
  40-49 downloads; 50 the installing engine; 51-59 repair and guard; 60-79 locking; 80-95 the machine and its
  notebook; 96-99 the workbench; 100-119 diagnosing; 120-129 what a server or the system refuses; 130 interrupted.
  `bootstrap explain` tells about each.
"""


def description() -> str:
    """What the program is for, and its commands by what they are about."""
    lines = ["A locked, isolated conda environment with a numpy that is proven healthy."]
    for title, commands in _COMMANDS.items():
        lines += ["", f"{title}:", *(f"  {name:<14}{summary}" for name, (_, summary) in commands.items())]
    return "\n".join(lines)


def parser(*names: str) -> Parser:
    """The command line's grammar.

    Args:
        names: The only commands that matter; every one unless given. To import all takes longer than some do.
    """
    root = Parser(
        prog="bootstrap", usage="bootstrap [-h] [--version] COMMAND ...", description=description(), epilog=_EPILOG
    )
    root.add_argument("--version", action="version", version=f"condacolab-bootstrap {__version__}", help="print it")
    commands = root.add_subparsers(
        prog="bootstrap", metavar="COMMAND", dest="command", required=True, help=argparse.SUPPRESS
    )
    # For what tells of all commands, and is one of them.
    root.set_defaults(grammar=parser)
    for home in dict.fromkeys(_HOMES[name] for name in names or _HOMES):
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
    try:
        code = _main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except SystemExit as leaving:
        # rich ends the program, with code 1, where its reader has gone; argparse does after a help.
        if isinstance(leaving.__context__, BrokenPipeError):
            return _reader_left()
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            return _reader_left()
        raise
    return code


def _reader_left() -> int:
    """The reader has gone (`bootstrap ... | head`): nothing is left to say, not even at exit."""
    sys.stdout = None
    return EXIT_OK


def _main(argv: Sequence[str]) -> int:
    as_json, verbose = "--json" in argv, False
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        args = _parse(argv)
        as_json, verbose = args.json, args.verbose
        code: int = args.run(args)
    except BootstrapError as error:
        return _tell(error, as_json=as_json)
    except KeyboardInterrupt:
        hint = "Run the same command again: it finishes what was begun."
        return _tell(InterruptedRestoreError("Stopped.", hint=hint), as_json=as_json)
    except BrokenPipeError:
        raise
    except Exception as error:
        if verbose:
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        evidence = [f"{type(error).__name__}: {error}", f"{where.filename}:{where.lineno}"]
        if isinstance(error, (OSError, MemoryError)):
            return _tell(
                SystemRefusedError("The operating system refused a step.", evidence=evidence), as_json=as_json
            )
        hint = "This is a fault of the program: please report it, with what `-v` prints."
        fault = BootstrapError("Something went wrong that nobody foresaw.", evidence=evidence, hint=hint)
        return _tell(fault, as_json=as_json)
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    word = next((each for each in argv if not each.startswith("-")), None)
    if word is not None and word not in _HOMES:
        hint = did_you_mean(word, _HOMES)
        usage = parser("completion").format_usage().strip()
        raise UsageError(
            f"There is no command {word}.", evidence=[usage], hint=f"{hint} `bootstrap --help` lists them.".strip()
        )
    # Its own help, and what a root without a command says, need none of them.
    found: argparse.Namespace = parser(word or "completion").parse_args(argv)
    return found


def _tell(error: BootstrapError, *, as_json: bool) -> int:
    if as_json:
        from bootstrap.console import print_json

        print_json(error.to_dict())
    else:
        from bootstrap.console import show_error

        show_error(error)
    return error.exit_code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
