"""A call of an installer, and how pip's and uv's arguments are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.values import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Tool = Literal["pip", "uv", "conda"]
Action = Literal["install", "uninstall", "other"]

_VERBS: dict[str, Action] = {"install": "install", "sync": "install", "uninstall": "uninstall"}
_UNKNOWN = re.compile(r"\{[^{}]*\}|\$\{[^}]*\}?|\$\([^)]*\)*|\$[\w@*#]+|`[^`]*`?")
_SHORT_WITH_VALUE = "rcefitC"
_WITH_VALUE = {
    *("--requirement", "--constraint", "--editable", "--find-links", "--index-url", "--pypi-url", "--target"),
    *("--extra-index-url", "--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--upgrade-strategy"),
    *("--config-settings", "--global-option", "--prefix", "--root", "--src", "--python", "--python-version"),
    *("--platform", "--abi", "--implementation", "--cache-dir", "--log", "--progress-bar", "--timeout", "--retries"),
    *("--proxy", "--cert", "--client-cert", "--exists-action", "--report", "--root-user-action"),
    *("--keyring-provider", "--use-deprecated", "--default-index", "--index", "--index-strategy", "--exclude-newer"),
    *("--prerelease", "--resolution", "--upgrade-package", "--reinstall-package", "--torch-backend", "--link-mode"),
    *("--override", "--group"),
}
_SPELLED = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-U": "--upgrade",
    "-I": "--ignore-installed",
    "-t": "--target",
    "-P": "--upgrade-package",
    "--default-index": "--index-url",
    "--index": "--extra-index-url",
    "--reinstall": "--force-reinstall",
    "-C": "--config-settings",
    "--no-dependencies": "--no-deps",
    "--requirements": "--requirement",
    "--constraints": "--constraint",
}
_KEPT_FLAGS = {"--upgrade", "--force-reinstall", "--ignore-installed", "--no-deps", "--pre", "--no-index"}
_KEPT_FLAGS |= {"--prefer-binary", "--require-hashes", "--no-build-isolation"}
_KEPT_VALUES = {"--find-links", "--index-url", "--extra-index-url", "--no-binary", "--only-binary"}
_KEPT_VALUES |= {"--trusted-host", "--upgrade-strategy", "--use-feature"}
# To complete abbreviations with, as pip does.
_LONG = _KEPT_FLAGS | _WITH_VALUE | {"--no-cache-dir", "--no-compile", "--no-input", "--no-color", "--no-clean"}
_LONG |= {"--no-python-version-warning", "--no-warn-script-location", "--no-warn-conflicts", "--dry-run"}
_NOT_ANALYSED = {"--override", "--group", "--resolution", "--upgrade-package", "--reinstall-package"}
"""What changes the outcome in a way that pip's dry run can't repeat."""
_ELSEWHERE = {"--target", "--prefix", "--root", "--dry-run"}


@dataclass(frozen=True)
class Command:
    """One call of an installer."""

    tool: Tool
    action: Action
    text: str
    """As it stands, on one line."""
    requirements: tuple[str, ...] = ()
    """Requirements in words; editable ones begin with ``-e``."""
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Those that bear on what would be installed, in pip's spelling."""
    quiet: bool = False
    elsewhere: str = ""
    """The option by which it does not touch the environment (``--target``)."""
    unknown: str = ""
    """A part of it that only running tells."""
    unread: str = ""
    """Why it can't be told what it does."""
    program: str = ""
    """The pip or Python that is called, as it is written."""
    target: str = ""
    """The folder of ``--target``."""
    mistaken: str = ""
    """What stands there unquoted, so that the shell takes the bound for a redirection."""


def unread_call(text: str, why: str, tool: Tool = "pip") -> Command:
    """A call of which it can't be told what it installs."""
    return Command(tool, "install", text, unread=why)


def read_call(tool: Tool, words: Sequence[str], text: str, program: str) -> Command:
    """A call of pip, or of uv's pip, by the words after the program's name."""
    rest = ["--python" if w == "-p" and tool == "uv" else w for w in words]
    command = _with_arguments(Command(tool, "other", text, program=program), rest)
    verb, *wanted = command.requirements or ("",)
    return _with_unknown(replace(command, action=_VERBS.get(verb, "other"), requirements=tuple(wanted)))


def with_versions(command: Command, fill: Callable[[str], str]) -> Command:
    """A call with versions that only its place in the notebook tells filled in."""
    requirements, options = (tuple(map(fill, words)) for words in (command.requirements, command.options))
    return _with_unknown(replace(command, requirements=requirements, options=options))


def _with_unknown(command: Command) -> Command:
    for word in (*command.requirements, *command.files, *command.constraints, *command.options):
        if match := _UNKNOWN.search(word):
            shown = word if match[0] == PLACEHOLDER else match[0]
            return replace(command, unknown=shown if len(shown) <= 40 else f"{shown[:37]}...")
    return replace(command, unknown="")


def _with_arguments(command: Command, rest: list[str]) -> Command:
    """A call with its arguments, the verb as the first of its requirements."""
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            command = replace(command, requirements=(*command.requirements, word))
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            name, value = word[:2], word[2:]
            if name[1] not in _SHORT_WITH_VALUE:
                # Flags may stand together: -qU
                flags = [f"-{letter}" for letter in word[1:]]
                name, value = flags[0], ""
                rest[:0] = flags[1:]
            equals = value
        name = _SPELLED.get(name, name)
        if word.startswith("--") and command.tool == "pip" and name not in _LONG:
            meant = [option for option in _LONG if option.startswith(name)]
            name = meant[0] if len(meant) == 1 else name
        if name in _WITH_VALUE and not equals:
            value = rest.pop(0) if rest else ""
        command = replace(command, **_option(command, name, value))
    return command


def _option(command: Command, name: str, value: str) -> dict[str, Any]:
    """What an option changes of a call."""
    if name == "--requirement":
        return {"files": (*command.files, value)}
    if name == "--constraint":
        return {"constraints": (*command.constraints, value)}
    if name == "--editable":
        return {"requirements": (*command.requirements, f"-e {value}")}
    if name in _ELSEWHERE:
        return {"elsewhere": name, "target": value}
    if name in _NOT_ANALYSED:
        return {"unread": f"what {name} {value} changes isn't analysed"}
    if name == "--python":
        return {"program": value or command.program}
    if name in ("-q", "--quiet"):
        return {"quiet": True}
    kept = [name] if name in _KEPT_FLAGS else [name, value] if name in _KEPT_VALUES else []
    kept = ["--pre"] if name == "--prerelease" and value == "allow" else kept
    return {"options": (*command.options, *kept)}
