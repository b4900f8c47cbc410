"""Hints are written as shell commands; in a notebook they are shown as Python."""

from __future__ import annotations

import re
import shlex

_CODE = re.compile(r"`([^`]+)`")
_VERBS = ("run", "undo", "restore", "check", "status", "diagnose", "explain", "explain-lock", "guard on", "guard off")
_FLAGS = ("adopt", "build", "dry-run", "force", "install", "offline", "repair")
_VALUES = ("against", "as-of", "cache", "lock", "prefix", "python", "resolver", "variant")
_SHORT = {"p": "prefix", "f": "lock", "file": "lock"}


def command(verb: str, *flags: str, **options: object) -> str:
    """One of our commands for a shell: ``bootstrap check --prefix '/a b' --repair``.

    Args:
        verb: The command, such as ``guard on``.
        flags: Options without a value, by their names.
        options: Options with a value, by their names; None leaves one out.
    """
    words = ["bootstrap", *verb.split()]
    for name, value in options.items():
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join([*words, *(f"--{flag}" for flag in flags)])


def in_cell(text: str) -> str:
    """The text with the commands and options between backticks as Python, where `bootstrap` has the same."""
    return _CODE.sub(lambda span: f"`{as_python(span[1])}`", text)


def as_python(code: str) -> str:
    """A command such as ``bootstrap check --repair``, or options, as Python; unchanged without an equivalent."""
    try:
        words = shlex.split(code)
    except ValueError:
        return code
    verb = []
    if words[:1] == ["bootstrap"]:
        length = 3 if words[1:2] == ["guard"] else 2
        verb, words = words[:length], words[length:]
        if " ".join(verb[1:]) not in _VERBS:
            return code
    elif not words or not words[0].startswith("-"):
        return code
    arguments = []
    while words:
        word = words.pop(0)
        name = _SHORT.get(word.lstrip("-"), word.lstrip("-"))
        if not word.startswith("-"):
            arguments.append(f'"{word}"')
        elif name in _FLAGS:
            arguments.append(f"{name.replace('-', '_')}=True")
        elif name in _VALUES and words:
            arguments.append(f'{name.replace("-", "_")}="{words.pop(0)}"')
        elif name in _VALUES and not verb:
            arguments.append(name.replace("-", "_"))
        else:
            return code
    said = ", ".join(arguments)
    return f"{'.'.join(verb).replace('-', '_')}({said})" if verb else said
