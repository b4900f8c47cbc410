"""What every command does: it registers, calls its verb with the options of the same names, and shows the result."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from bootstrap.card import Judged
from bootstrap.console import print_json, print_text, progress_for, show
from bootstrap.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bootstrap.card import Shown

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Result = TypeVar("Result")


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], *, description: str, epilog: str
) -> argparse.ArgumentParser:
    """Adds a command to the command line, and returns it for its options.

    Args:
        commands: Where commands are registered.
        name: Its name.
        run: Runs it and returns the exit code.
        description: What it does.
        epilog: Examples, and exit codes of its own.
    """
    command = commands.add_parser(name, description=description, epilog=epilog)
    command.set_defaults(run=run)
    return command


def call(verb: Callable[..., Result], args: argparse.Namespace, **given: Any) -> Result:
    """Calls a verb of `bootstrap.api` with the options that have its parameters' names, and with a progress display.

    Args:
        verb: The verb.
        args: The command's options.
        given: Arguments that differ from the options.
    """
    names = inspect.signature(verb).parameters
    arguments = {name: value for name, value in vars(args).items() if name in names} | given
    if "progress" in names:
        arguments["progress"] = progress_for(quiet=args.quiet, as_json=args.json)
    return verb(**arguments)


def present(result: Shown, args: argparse.Namespace) -> None:
    """Writes a verb's result to stdout: as JSON or Markdown if asked for, else as its card."""
    if args.json:
        print_json(result.to_dict())
    elif getattr(args, "markdown", False):
        print_text(result.to_markdown())
    else:
        show(result.in_full if args.verbose else result.card)


def presenting(verb: Callable[..., Shown]) -> Callable[[argparse.Namespace], int]:
    """What runs a command that shows a verb's result and does no more."""

    def run(args: argparse.Namespace) -> int:
        result = call(verb, args)
        present(result, args)
        return result.exit_code if isinstance(result, Judged) else EXIT_OK

    return run
