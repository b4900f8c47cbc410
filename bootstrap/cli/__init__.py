"""The command line: ``bootstrap COMMAND``."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from bootstrap._version import __version__
from bootstrap.cli.parsing import Parser
from bootstrap.errors import (
    EXIT_OK,
    EXIT_USAGE,
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
        "run": ("bootstrap.cli.run", "run this machine's notebooks in the locked environment"),
        "undo": ("bootstrap.cli.undo", "undo everything that `run` changed"),
    },
    "an environment": {
        "restore": ("bootstrap.cli.restore", "create or update it from a lock"),
        "check": ("bootstrap.cli.check", "prove it healthy, or find and repair what is wrong"),
        "guard": ("bootstrap.cli.guard", "refuse installs that would replace a locked package"),
        "status": ("bootstrap.cli.status", "show what is there, quickly"),
        "pack": ("bootstrap.cli.pack", "make one file of it, to restore elsewhere"),
    },
    "questions": {
        "diagnose": ("bootstrap.cli.diagnose", "find what would break numpy, or what did"),
        "explain-lock": ("bootstrap.cli.explain_lock", "show what is in a lock, and why"),
        "explain": ("bootstrap.cli.explain", "show what an error means and how to fix it"),
    },
    "locks, for maintainers": {
        "lock": ("bootstrap.cli.lock", "solve, update one package, or check"),
        "diff": ("bootstrap.cli.lock", "compare two locks"),
        "render": ("bootstrap.cli.lock", "write a lock as an explicit file for conda"),
    },
    "your shell": {
        "completion": ("bootstrap.cli.completion", "print the script for tab completion"),
    },
}
"""Where each command is registered and what it does, in the order of the help."""

_HOMES = {name: home for group in _COMMANDS.values() for name, (home, _) in group.items()}

_ELSEWHERE = {
    **dict.fromkeys(("create", "install", "sync", "update", "upgrade"), "restore"),
    **dict.fromkeys(("list", "info", "show"), "status"),
    **dict.fromkeys(("doctor", "verify", "repair", "fix"), "check"),
    **dict.fromkeys(("remove", "uninstall", "clean"), "undo"),
    **dict.fromkeys(("tree", "why"), "explain-lock"),
    **dict.fromkeys(("solve", "init"), "lock"),
    "export": "render",
}
"""What conda, pixi and uv call something like it."""

_AFTER_STOP = {
    "check": "Run this again. Nothing was changed.",
    "check --repair": "Run this again: it starts with what is still broken.",
    "undo": "Run `bootstrap undo` again: it continues where it stopped.",
    "guard": "Run `bootstrap guard`: it says whether the guard is on, or what is unfinished.",
    "pack": "Run this again. No pack was written.",
    "diagnose": "Run this again. The examined environment is unchanged.",
    "lock": "Run this again; `git status` shows whether the locks were already written.",
    **dict.fromkeys(("status", "explain-lock", "explain", "diff", "completion"), "Nothing was changed."),
}
"""What is true after Ctrl-C or SIGTERM, by command; for others, see the error's own hint."""

_EPILOG = """\
examples:
  bootstrap restore -p ./env           create the environment in conda-lock.yml
  bootstrap check -p ./env             prove it healthy
  bootstrap diagnose requirements.txt  find the requirement that would replace numpy
  bootstrap explain hash-mismatch      what an error means; its last line gives its name

exit codes:
  0 done or ok; 3 doubtful or different; 4 broken; 2 wrong usage; 10-29 the lock; 30-39 the prefix;
  40-49 downloads; 50 the install engine; 51-59 repair and guard; 60-79 locking; 80-95 the machine and its
  notebook; 96-99 the workbench; 100-119 diagnosing; 120-129 refused by a server or the system; 130 interrupted;
  200-219 packs.
  `bootstrap explain` lists them.
"""


def description() -> str:
    """What the program does, and its commands by topic."""
    lines = ["A locked, isolated conda environment with a numpy that is proven healthy."]
    for title, commands in _COMMANDS.items():
        lines += ["", f"{title}:", *(f"  {name:<14}{summary}" for name, (_, summary) in commands.items())]
    return "\n".join(lines)


def parser(*names: str) -> Parser:
    """The command line's grammar.

    Args:
        names: Commands to include; all by default. Importing all takes longer than running some.
    """
    root = Parser(
        prog="bootstrap", usage="bootstrap [-h] [-V] COMMAND ...", description=description(), epilog=_EPILOG
    )
    root.add_argument(
        "-V", "--version", action="version", version=f"condacolab-bootstrap {__version__}", help="print the version"
    )
    commands = root.add_subparsers(
        prog="bootstrap", metavar="COMMAND", dest="command", required=True, help=argparse.SUPPRESS
    )
    # For `completion`, which lists all commands.
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
    group.add_argument("-q", "--quiet", action="store_true", help="show only the result or the error, no progress")
    group.add_argument(
        "-v", "--verbose", action="store_true", help="show more detail, and a traceback on an internal error"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        try:
            return _main(argv)
        finally:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as leaving:
        # rich exits with 1 when its reader has gone; argparse exits after --help.
        if not isinstance(leaving, BrokenPipeError) and not isinstance(leaving.__context__, BrokenPipeError):
            raise
    # Its reader has gone (`bootstrap ... | head`): what is written yet is discarded.
    sys.stdout = None
    return EXIT_OK


def _main(argv: Sequence[str]) -> int:
    as_json, verbose, args = "--json" in argv, False, None
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        args = _parse(argv)
        as_json, verbose = args.json, args.verbose
        code: int = args.run(args)
    except BootstrapError as error:
        return _tell(error, as_json=as_json)
    except KeyboardInterrupt:
        command = args.command if args else ""
        hint = _AFTER_STOP.get("check --repair" if getattr(args, "repair", False) else command)
        return _tell(InterruptedRestoreError("Interrupted.", hint=hint), as_json=as_json)
    except BrokenPipeError:
        raise
    except Exception as error:
        if verbose:
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        evidence = [f"{type(error).__name__}: {error}", f"{where.filename}:{where.lineno}"]
        if isinstance(error, (OSError, MemoryError)):
            return _tell(
                SystemRefusedError("The operating system reported an error.", evidence=evidence), as_json=as_json
            )
        hint = "Please report this bug, with the output of `-v`."
        fault = BootstrapError("Internal error.", evidence=evidence, hint=hint)
        return _tell(fault, as_json=as_json)
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    if not argv:
        parser("completion").print_help(sys.stderr)
        raise SystemExit(EXIT_USAGE)
    if argv[0] == "help":
        argv = [*argv[1:2], "--help"]
    word = next((each for each in argv if not each.startswith("-")), None)
    if word is not None and word not in _HOMES:
        hint = did_you_mean(_ELSEWHERE.get(word, word), _HOMES)
        usage = parser("completion").format_usage().strip()
        raise UsageError(
            f"Unknown command: {word}.", evidence=[usage], hint=f"{hint} `bootstrap --help` lists them.".strip()
        )
    # The top-level help and usage need none of the commands.
    args: argparse.Namespace = parser(word or "completion").parse_args(argv)
    return args


def _tell(error: BootstrapError, *, as_json: bool) -> int:
    from bootstrap.console import print_json, show_error

    if as_json:
        print_json(error.to_dict())
    else:
        show_error(error)
    return error.exit_code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
