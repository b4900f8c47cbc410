"""Writes docs/errors.md from bootstrap/errors.py: ``python docs/generate_errors.py``."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from bootstrap import errors

HEAD = """\
# Exit codes and errors

Every error says what happened, on what evidence, and what to do next; with `--json` it is one JSON document with
the keys `error`, `exit_code`, `message`, `evidence` and `hint`. In Python each is an exception of that name in
`bootstrap.errors`, all of them below `BootstrapError`. After an error, prefix, cache and locks are as they were.

This page is written by `python docs/generate_errors.py` from the code.

| code | meaning |
|---|---|
| 0 | done; healthy; agrees with the lock |
| 1 | an error that nobody foresaw: please report it, with `-v` |
| 2 | wrong usage of the command line |
| 3 | `check`, `diagnose`: doubtful; `status`: differs from the lock, or isn't there |
| 4 | `check`: broken; `diagnose`: guilty |
"""


def concrete(base: type[errors.BootstrapError] = errors.BootstrapError) -> list[type[errors.BootstrapError]]:
    """The errors that have an exit code of their own, in its order."""
    found: set[type[errors.BootstrapError]] = set()
    waiting = [base]
    while waiting:
        waiting += (kind := waiting.pop()).__subclasses__()
        if kind is not base and "exit_code" in vars(kind):
            found.add(kind)
    return sorted(found, key=lambda kind: kind.exit_code)


def page() -> str:
    """The page's text."""
    lines = [HEAD]
    for kind in concrete():
        meaning = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"## {kind.exit_code}: {kind.__name__}\n\n{meaning}\n\nNext: {kind.hint}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    (Path(__file__).parent / "errors.md").write_text(page())
    sys.exit(0)
