"""Commands of pip, uv and conda out of lines for a shell."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Tool = Literal["pip", "uv", "conda"]
Action = Literal["install", "uninstall", "other"]

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PYTHON = re.compile(r"(?:\{sys\.executable\}|\$\{?sys\.executable\}?|.*/)?(?:python|pypy)?[\d.]*$")
_PIP = re.compile(r"pip[\d.]*$")
_CONDA = ("conda", "mamba", "micromamba")
_BEFORE = ("sudo", "time", "exec", "command", "nohup", "env", "then", "do", "else", "{", "(", "!")
_UNKNOWN = re.compile(r"\{[^{}]*\}|\$\{?\w+|\$\(|`")
_SHORT_WITH_VALUE = "rcefitC"
_WITH_VALUE = {
    *("--requirement", "--constraint", "--editable", "--find-links", "--index-url", "--pypi-url", "--target"),
    *("--extra-index-url", "--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--upgrade-strategy"),
    *("--config-settings", "--global-option", "--prefix", "--root", "--src", "--python", "--python-version"),
    *("--platform", "--abi", "--implementation", "--cache-dir", "--log", "--progress-bar", "--timeout", "--retries"),
    *(
        "--proxy",
        "--cert",
        "--client-cert",
        "--exists-action",
        "--report",
        "--root-user-action",
        "--keyring-provider",
    ),
    *("--use-deprecated", "--default-index", "--index", "--index-strategy", "--exclude-newer", "--prerelease"),
    *("--resolution", "--upgrade-package", "--reinstall-package", "--torch-backend", "--link-mode", "--override"),
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
}
_KEPT_FLAGS = {"--upgrade", "--force-reinstall", "--ignore-installed", "--no-deps", "--pre", "--no-index"}
_KEPT_FLAGS |= {"--prefer-binary", "--require-hashes", "--no-build-isolation"}
_KEPT_VALUES = {"--find-links", "--index-url", "--extra-index-url", "--no-binary", "--only-binary"}
_KEPT_VALUES |= {"--trusted-host", "--upgrade-strategy", "--use-feature"}
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
    condition: str = ""
    """Why it may not run."""
    mistaken: str = ""
    """What stands there unquoted, so that the shell takes the bound for a redirection."""


@dataclass
class _Arguments:
    requirements: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    quiet: bool = False
    elsewhere: str = ""


def find_commands(line: str) -> Iterator[Command]:
    """The installers' calls in a line, or some lines, of shell."""
    try:
        lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=";&|<>\n")
        lexer.whitespace = " \t\r"
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        words = line.split()
    simple: list[str] = []
    comment = False
    for word in [*words, "\n"]:
        ends = bool(word) and set(word) <= set(";&|\n")
        if "\n" in word or not comment:
            comment = False
        if ends:
            yield from read_words(simple)
            simple = []
        elif word.startswith("#") or comment:
            comment = True
        else:
            simple.append(word)


def read_words(words: Sequence[str]) -> Iterator[Command]:
    """The installer's call in the words of one simple command, if it is one."""
    rest, mistaken = _redirected(list(words))
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in _BEFORE):
        rest.pop(0)
    if not rest:
        return
    text = " ".join(shlex.quote(w) if re.search(r"[\s<>;&|*?]", w) else w for w in rest)
    name = PurePosixPath(rest[0]).name
    if name in ("bash", "sh") and len(rest) > 2 and rest[1] in ("-c", "-lc"):
        yield from find_commands(rest[2])
        return
    if _PYTHON.fullmatch(rest[0]) and len(rest) > 2:
        # python -u -m pip ...
        module = next((i for i, w in enumerate(rest) if w == "-m"), None)
        if module is None or module + 1 >= len(rest) or any(not w.startswith("-") for w in rest[1:module]):
            return
        rest = rest[module + 1 :]
        name = rest[0]
    if _PIP.fullmatch(name):
        yield replace(_call("pip", rest[1:], text), mistaken=mistaken)
    elif name == "uv" and len(rest) > 1 and rest[1] == "pip":
        yield replace(_call("uv", rest[2:], text), mistaken=mistaken)
    elif name in _CONDA:
        yield _conda(rest[1:], text)


def _redirected(words: list[str]) -> tuple[list[str], str]:
    """The words without redirections, and what was taken for one: ``numpy>=2`` unquoted writes a file ``=2``."""
    kept: list[str] = []
    mistaken = ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not set(word) <= set("<>&|") or not set(word) & set("<>"):
            kept.append(word)
            continue
        goal = rest.pop(0) if rest else ""
        if kept and kept[-1] in ("1", "2"):
            kept.pop()
        elif kept and (goal.startswith("=") or goal[:1].isdigit()) and "&" not in word:
            mistaken = f"{kept[-1]}{word}{goal}"
    return kept, mistaken


def _call(tool: Tool, words: Sequence[str], text: str) -> Command:
    """A call of pip, or of uv's pip."""
    rest = list(words)
    quiet = False
    while rest and rest[0].startswith("-"):  # options before the verb
        option = rest.pop(0)
        quiet = quiet or option in ("-q", "-qq", "-qqq", "--quiet")
        if "=" not in option and option in _WITH_VALUE and rest:
            rest.pop(0)
    verb = rest.pop(0) if rest else ""
    found = _read_arguments(rest)
    unknown = _UNKNOWN.search(" ".join((*found.requirements, *found.files, *found.constraints)))
    action: Action = "install" if verb in ("install", "sync") else "uninstall" if verb == "uninstall" else "other"
    return Command(
        tool=tool,
        action=action,
        text=text,
        requirements=tuple(found.requirements),
        files=tuple(found.files),
        constraints=tuple(found.constraints),
        options=tuple(found.options),
        quiet=quiet or found.quiet,
        elsewhere=found.elsewhere,
        unknown=unknown[0] if unknown else "",
    )


def _read_arguments(words: Sequence[str]) -> _Arguments:
    found = _Arguments()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            found.requirements.append(word)
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
        if name in _WITH_VALUE and not equals:
            value = rest.pop(0) if rest else ""
        _take_option(name, value, found)
    return found


def _take_option(name: str, value: str, found: _Arguments) -> None:
    if name == "--requirement":
        found.files.append(value)
    elif name == "--constraint":
        found.constraints.append(value)
    elif name == "--editable":
        found.requirements.append(f"-e {value}")
    elif name in _KEPT_FLAGS:
        found.options.append(name)
    elif name in _KEPT_VALUES:
        found.options += [name, value]
    elif name == "--prerelease" and value == "allow":
        found.options.append("--pre")
    elif name in _ELSEWHERE:
        found.elsewhere = name
    elif name in ("-q", "--quiet"):
        found.quiet = True


def _conda(words: Sequence[str], text: str) -> Command:
    verbs = [w for w in words if not w.startswith("-")]
    verb = verbs[0] if verbs else ""
    action: Action = "other"
    if verb in ("install", "update", "upgrade", "create"):
        action = "install"
    elif verb in ("remove", "uninstall"):
        action = "uninstall"
    return Command("conda", action, text, requirements=tuple(verbs[1:]), quiet="-q" in words)
