"""``bootstrap explain``."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

from bootstrap.console import print_json, results
from bootstrap.errors import ERRORS_PAGE, BootstrapError, every_error

_DESCRIPTION = """\
Tell what an error means and how to get past it: all that the documentation says, without a network.

  bootstrap explain hash-mismatch      the name in an error's last line
  bootstrap explain 41                 or its exit code
  bootstrap explain                    every one of them
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "explain",
        help="what an error means, and how to get past it",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("error", nargs="?", help="an error's name, or its exit code")
    command.set_defaults(run=_run, usage_error=command.error)


def _run(args: argparse.Namespace) -> int:
    known = every_error()
    if args.error is None:
        if args.json:
            print_json([_data(kind) for kind in known])
        else:
            for kind in known:
                results().print(f"{kind.exit_code:>3}  {kind.error_id()}")
        return 0
    found = [kind for kind in known if args.error in (kind.error_id(), str(kind.exit_code))]
    if not found:
        import difflib

        near = difflib.get_close_matches(args.error, [k.error_id() for k in known], n=1)
        hint = f"did you mean {near[0]}?" if near else "`bootstrap explain` lists them"
        args.usage_error(f"no error is called {args.error}: {hint}")
    kind = found[0]
    if args.json:
        print_json(_data(kind))
        return 0
    from rich.markdown import Markdown

    results().print(Markdown(f"**{kind.error_id()}**\n\n{section(kind)}"), soft_wrap=False)
    return 0


def _data(kind: type[BootstrapError]) -> dict[str, object]:
    return {"error": kind.error_id(), "exit_code": kind.exit_code, "hint": kind.hint, "text": section(kind)}


def section(kind: type[BootstrapError]) -> str:
    """What the documentation says of an error, as Markdown."""
    package = Path(__file__).resolve().parents[1]
    # Inside the package in a wheel, beside it in a checkout.
    for place in (package / "data" / Path(ERRORS_PAGE).name, package.parent / ERRORS_PAGE):
        if place.is_file():
            text = place.read_text(encoding="utf-8").partition(f"\n## {kind.error_id()}\n")[2]
            return text.partition("\n## ")[0].strip()
    meaning = inspect.cleandoc(kind.__doc__ or "").replace("\n", " ")
    return f"Exit code {kind.exit_code}, `{kind.__name__}`. {meaning}\n\nNext: {kind.hint}"
