"""Writes docs/errors.md from bootstrap/errors.py and docs/troubleshooting/: ``python docs/generate_errors.py``.

A section's name is the error's id, so that it can be named in an error's last line and never changes by rewording.
Causes, looks and examples stand in ``docs/troubleshooting/errors.yml``; what needs more room, in ``ID.md`` beside it.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import yaml

from bootstrap import errors

HERE = Path(__file__).parent
MORE = HERE / "troubleshooting"
PARTS = ("cause", "look", "do", "example")
"""What each section says beside the error's meaning, in this order."""

HEAD = """\
# Exit codes and errors

Every error says what happened, on what evidence, what to do next, and the command that shows its section of this
page, `bootstrap explain NAME` (in a notebook `bootstrap.explain("NAME")`), which needs no network. With
`--json` it is one JSON document with the keys `error`,
`exit_code`, `message`, `evidence`, `hint` and `page`.
In Python each is an exception of that name in `bootstrap.errors`, all of them below `BootstrapError`.
After an error, prefix, cache and locks are as they were.

This page is written by `python docs/generate_errors.py` from the code.

| code | meaning |
|---|---|
"""
OUTCOMES = {
    0: "done; healthy; agrees with the lock",
    1: "an error that nobody foresaw: please report it, with `-v`",
    3: "`check`, `diagnose`: doubtful; `status`: differs from the lock, or isn't there",
    4: "`check`: broken; `diagnose`: guilty",
}
"""Exit codes that no error's class has."""


def page() -> str:
    """The page's text."""
    kinds = errors.every_error()
    known = yaml.safe_load((MORE / "errors.yml").read_text(encoding="utf-8"))
    codes = {**OUTCOMES, **{kind.exit_code: f"[{kind.error_id()}](#{kind.error_id()})" for kind in kinds}}
    lines = [HEAD + "\n".join(f"| {code} | {codes[code]} |" for code in sorted(codes)) + "\n"]
    for kind in kinds:
        name = kind.error_id()
        meaning = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"## {name}\n\nExit code {kind.exit_code}, `{kind.__name__}`. {meaning}\n")
        parts = {"do": kind.hint, **known.get(name, {})}
        lines += [f"**{part.capitalize()}**: {parts[part]}\n" for part in PARTS if part in parts]
        more = MORE / f"{name}.md"
        if more.is_file():
            lines.append(more.read_text(encoding="utf-8"))
    return "\n".join(lines)


if __name__ == "__main__":
    (HERE / "errors.md").write_text(page(), encoding="utf-8")
    sys.exit(0)
