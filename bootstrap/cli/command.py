"""What every command does: it registers, calls its verb with the options of the same names, and shows the result."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bootstrap.console import print_json, progress_for, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bootstrap.card import Card

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Result = TypeVar("Result")


class HasCard(Protocol):
    """A verb's result: a card for people, data for programs."""

    @property
    def card(self) -> Card: ...  # noqa: D102

    def to_dict(self) -> Any: ...  # noqa: D102


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


def present(result: HasCard, args: argparse.Namespace, card: Card | None = None) -> None:
    """Writes a result to stdout: as JSON if asked for, else as its card.

    Args:
        result: The result.
        args: The command's options.
        card: A card to show in place of its own.
    """
    if args.json:
        print_json(result.to_dict())
    else:
        show(card or result.card)
