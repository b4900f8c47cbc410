"""Commands of pip, uv and conda out of lines for a shell."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from fnmatch import fnmatch
from itertools import pairwise, takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.installer_call import Command, read_call, unread_call
from bootstrap.diagnosis.script import simple_commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bootstrap.diagnosis.installer_call import Action
    from bootstrap.diagnosis.script import Simple

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PYTHON = re.compile(r"(?:\{sys\.executable\}|\$\{?sys\.executable\}?|.*/)?(?:python|pypy)[\d.]*|\{sys\.executable\}")
_PIP = re.compile(r"pip[\d.]*$")
_CONDA = ("conda", "mamba", "micromamba")
_CONDA_PLACES = ("-n", "--name", "-p", "--prefix")
_CONDA_VERBS: dict[str, Action] = {
    **dict.fromkeys(("install", "update", "upgrade", "create", "env update"), "install"),
    **dict.fromkeys(("remove", "uninstall"), "uninstall"),
}
# What only changes how a command runs, with those of its options that take a value.
_PREFIXES: dict[str, tuple[str, ...]] = {
    "sudo": ("-u", "-g", "-p", "-C", "-h", "-D"),
    "env": ("-u", "-C", "--unset", "--chdir"),
    "time": ("-f", "-o"),
    "timeout": ("-k", "-s", "--kill-after", "--signal"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "stdbuf": ("-i", "-o", "-e"),
    **dict.fromkeys(("exec", "command", "nohup", "unbuffer", "setsid", "builtin"), ()),
}
_ENVIRONMENT = re.compile(r"(?:conda|mamba|forge|env)[^/:]*/(?:.*/)?bin/?$", re.IGNORECASE)
_CONDA_INSTALLER = re.compile(r"(?:^|/)(?:mini|ana|mamba|micro)[\w.-]*\.sh$", re.IGNORECASE)
_UNREAD = (
    *(["poetry", "add"], ["poetry", "install"], ["pipenv", "install"], ["pdm", "add"], ["pdm", "install"]),
    *(["rye", "add"], ["hatch", "env"], ["pixi", "add"]),
)
# These only show or search the words they are given.
_HARMLESS = {
    *("echo", "printf", "cat", "grep", "egrep", "sed", "awk", "ls", "find", "which", "man", "head", "tail", "tee"),
    *("test", "[", "[[", "export", "alias", "apt", "apt-get", "rm", "mkdir", "cp", "mv", "history", "git"),
    *("cd", "set", "touch", "wget", "curl", "type", "command", "less", "pipx", "uvx"),
}
_COPIES = ("cp", "rsync", "ln", "install")
_UNPACKS = {"tar": ("-C", "--directory"), "unzip": ("-d",), "7z": ("-o",), "7za": ("-o",)}
_PACKAGES = re.compile(r"(?P<folder>.*/(?:site|dist)-packages)(?:/(?P<name>[^/]*))?")
"""A folder of packages, and whose files in it."""
_ABOVE = re.compile(r"/|/(?:usr(?:/local)?|opt/conda)/lib(?:/python[^/]*)?/?")
"""Folders with one below: what is unpacked there may hold packages. Into /usr/local go other programs."""
_MENTION = re.compile(
    r"\bpip[\d.]*['\"]?,?\s+(?:-\S+\s+)*['\"]?(?:install|uninstall)\b"
    r"|\b(?:conda|mamba|micromamba)\s+(?:-\S+\s+)*(?:install|update|create)\b"
    r"|\buv\s+(?:pip\s+install|add|sync)\b|\b(?:poetry|pdm)\s+(?:add|install)\b|\bpipenv\s+install\b"
    r"|\bsetup\.py\s+(?:install|develop)\b|\beasy_install\b"
)
TELLING = re.compile(r"install|setup|require|depend", re.IGNORECASE)
"""Names of scripts that may install something."""


def find_commands(text: str) -> Iterator[Command]:
    """The installers' calls in a line, or some lines, of shell."""
    return (event.command for event in read_shell(text) if event.command)


def read_shell(text: str, variables: Mapping[str, str] | None = None) -> Iterator[Event]:
    """The installers' calls in some shell, and what else changes what later ones mean.

    Args:
        text: The shell's text.
        variables: Those whose values are known.
    """
    for simple in simple_commands(text, variables or {}):
        for effect in _read(simple):
            event = Event("command", effect.text, command=effect) if isinstance(effect, Command) else effect
            if command := event.command:
                outside = f"the environment {simple.outside} is active" if simple.outside else ""
                outside = command.elsewhere or outside or _before_all(simple.path, command)
                event = replace(event, command=replace(command, elsewhere=outside, mistaken=_mistaken(simple)))
            yield replace(event.under(simple.condition, simple.never), folder=event.folder or simple.folder)
        yield from _written(simple)


def _before_all(path: str, command: Command) -> str:
    """What another environment's folder at the head of PATH means for a command that names no folder itself."""
    first = path.partition(":")[0]
    plain = command.tool != "uv" and "/" not in command.program
    return f"PATH begins with {first}" if plain and _ENVIRONMENT.search(first) else ""


def _read(simple: Simple) -> Iterator[Command | Event]:
    """What one simple command comes to."""
    words = _without_prefixes(list(simple.words))
    if not words:
        return
    text = " ".join(shlex.quote(w) if re.search(r"[\s<>;&|*?'\"]", w) or not w else w for w in words)
    program, rest = words[0], words[1:]
    name = PurePosixPath(program).name
    if name in ("bash", "sh", "zsh", "dash"):
        yield from _inner_shell(name, rest, simple)
    elif name == "eval":
        yield from read_shell(" ".join(rest))
    elif _CONDA_INSTALLER.search(program):
        yield Event("conda", _prefix_given(rest))
    elif name in ("source", ".") or (program.startswith("./") and name.endswith(".sh")):
        yield Event("script", rest[0] if name in ("source", ".") and rest else program)
    elif _PYTHON.fullmatch(program) and (rest or simple.source):
        yield from _python(program, rest, text, simple)
    elif _PIP.fullmatch(name):
        yield read_call("pip", rest, text, program)
    elif name == "uv":
        yield from _uv(rest, text)
    elif name in _CONDA:
        yield from _conda(rest, text)
    elif words[:2] in _UNREAD or name in ("easy_install", "pip-sync") or (name == "xargs" and mentions(text)):
        yield unread_call(text, f"what {' '.join(words[:2])} would install isn't analysed")
    elif place := _changed_packages(name, rest):
        yield unread_call(text, f"what {name} changes in {place} isn't known")
    elif name not in _HARMLESS and mentions(text):
        yield unread_call(text, f"what {name} does with it is unknown")


def _changed_packages(name: str, words: Sequence[str]) -> str:
    """The folder of packages where a command that handles files may change numpy's; empty for none."""
    named = [w for w in words if not w.startswith("-")]
    if name in _UNPACKS:
        at = [w for option in _UNPACKS[name] for w in _values(words, option)]
        packs = name == "tar" and not any(re.search("x|get", w) for w in words if w == words[0] or w.startswith("-"))
        return "" if packs else next((w for w in at if _ABOVE.fullmatch(w) or _PACKAGES.fullmatch(w)), "")
    goals = named if name in ("rm", "mv") else []
    if name in _COPIES:
        goals = _values(words, "-t") + _values(words, "--target-directory") or (named[-1:] if len(named) > 1 else [])
    for goal in goals:
        if (match := _PACKAGES.match(goal)) and (
            not match["name"] or fnmatch("numpy", match["name"]) or match["name"].startswith("numpy")
        ):
            return match["folder"]
    return ""


def _values(words: Sequence[str], option: str) -> list[str]:
    """What an option is given: ``-C x``, ``-Cx``, ``--directory=x``."""
    apart = [b for a, b in pairwise(words) if a == option]
    return apart + [w[len(option) :].lstrip("=") for w in words if w.startswith(option) and w != option]


def _without_prefixes(rest: list[str]) -> list[str]:
    """A command without what only changes how it runs: assignments, ``sudo -H``, ``timeout 600``."""
    while rest:
        name = PurePosixPath(rest[0]).name
        if _ASSIGNMENT.match(rest[0]):
            rest.pop(0)
        elif name == "command" and rest[1:2] and rest[1].startswith(("-v", "-V")):
            return []
        elif name in _PREFIXES:
            rest.pop(0)
            while rest and rest[0].startswith("-"):
                if rest.pop(0) in _PREFIXES[name] and rest:
                    rest.pop(0)
            if name == "timeout" and rest:
                rest.pop(0)
        else:
            break
    return rest


def _inner_shell(name: str, rest: Sequence[str], simple: Simple) -> Iterator[Command | Event]:
    """``bash -c "..."``, ``bash script.sh``, a here-document, an installer of conda."""
    flags = list(takewhile(lambda w: w.startswith("-"), rest))
    script = rest[len(flags) :]
    if any("c" in f for f in flags if not f.startswith("--")) and script:
        yield from read_shell(script[0])
    elif script and _CONDA_INSTALLER.search(script[0]):
        yield Event("conda", _prefix_given(rest))
    elif script:
        yield Event("script", script[0])
    else:
        for _, operator, goal in simple.sent:
            if operator in ("<<", "<<<"):
                yield from read_shell(goal)
        yield from _handed_over(name, simple)


def _handed_over(name: str, simple: Simple) -> Iterator[Command | Event]:
    """A script that another command's output is: ``curl ... | bash``, ``echo "..." | python``."""
    words = simple.source
    if words[:1] in (("echo",), ("printf",)):
        script = " ".join(word for word in words[1:] if not word.startswith("-"))
        yield from [Event("python", script)] if _PYTHON.fullmatch(name) else read_shell(script)
    elif TELLING.search(" ".join(words)):
        yield unread_call(f"{shlex.join(words)} | {name}", f"what {name} reads from {words[0]} isn't known")


def _prefix_given(words: Sequence[str]) -> str:
    """The prefix that an installer of conda is given: ``-b -f -p /usr/local``, ``-bfp /usr/local``."""
    return next((b for a, b in pairwise(words) if a.startswith("-") and a.endswith("p")), "").rstrip("/")


def _python(program: str, words: Sequence[str], text: str, simple: Simple) -> Iterator[Command | Event]:
    """``python -m pip``, ``python -c``, ``python script.py``."""
    flags = list(takewhile(lambda w: w.startswith("-") and w not in ("-m", "-c"), words))
    match words[len(flags) :]:
        case ["-m", "pip", *rest]:
            yield read_call("pip", rest, text, program)
        case ["-m", "uv", *rest]:
            yield from _uv(rest, text)
        case ["-m", module, *rest]:
            if mentions(" ".join([module, *rest])):
                yield unread_call(text, f"what {module} would install isn't analysed")
        case ["-c", code, *_]:
            yield Event("python", code)
        case [script, *rest] if not script.startswith("-"):
            if PurePosixPath(script).name != "setup.py":
                yield Event("run", script)
            elif {"install", "develop"} & set(rest):
                yield unread_call(text, "it builds from source; its dependencies are unknown")
        case _:
            yield from _handed_over(program, simple)


def _uv(words: Sequence[str], text: str) -> Iterator[Command]:
    verb = next((w for w in words if not w.startswith("-")), "")
    if verb == "pip":
        yield read_call("uv", words[words.index("pip") + 1 :], text, "")
    elif verb in ("add", "sync", "remove"):
        yield unread_call(text, f"what uv {verb} would install isn't analysed", "uv")


def _mistaken(simple: Simple) -> str:
    """What the shell takes for a redirection: ``numpy>=2`` unquoted writes a file ``=2``."""
    for before, operator, goal in simple.sent:
        bound = goal.startswith("=") or goal[:1].isdigit()
        if bound and before and before not in ("0", "1", "2") and "&" not in operator:
            return f"{before}{operator}{goal}"
    return ""


def _written(simple: Simple) -> Iterator[Event]:
    """The files that a command writes, with their content where it is plain."""
    name, rest = simple.words[0] if simple.words else "", simple.words[1:]
    content: str | None = None
    if name == "echo" and not set(" ".join(rest)) & set("$`*"):
        flags = list(takewhile(lambda w: re.fullmatch("-[neE]+", w), rest))
        content = " ".join(rest[len(flags) :])
        content = content.replace("\\n", "\n") if "-e" in flags else content
        content += "" if "-n" in flags else "\n"
    elif name == "printf" and len(rest) == 1 and "%" not in rest[0]:
        content = rest[0].replace("\\n", "\n")
    append = name == "tee" and "-a" in rest
    goals: list[str] = []
    for _, operator, goal in simple.sent:
        if operator in (">", ">>", ">|", "&>", "&>>") and goal:
            goals.append(goal)
            append = append or operator.endswith(">>")
        elif operator == "<<" and (name == "tee" or simple.words == ("cat",)):
            content = goal
    if name == "tee":
        goals += [w for w in rest if not w.startswith("-")]
    elif name in ("wget", "curl"):
        goals += _fetched(rest)
    elif (name in ("cp", "mv") and len(rest) > 1) or (name == "sed" and any(w.startswith("-i") for w in rest)):
        goals.append(rest[-1])
    for goal in goals:
        if not goal.startswith(("/dev/", "&")) and not simple.never:
            known = None if simple.condition else content
            yield Event("file", goal, content=known, append=append, folder=simple.folder)


def _fetched(words: Sequence[str]) -> list[str]:
    """Where wget and curl put what they fetch."""
    named = [b for a, b in pairwise(words) if a in ("-O", "-o", "--output", "--output-document")]
    plain = [PurePosixPath(w.partition("?")[0]).name for w in words if "://" in w]
    return [n for n in named if "://" not in n and n != "-"] or plain


def mentions(text: str) -> bool:
    """Whether a text speaks of installing Python packages, in whatever form."""
    return bool(_MENTION.search(text))


def _conda(words: Sequence[str], text: str) -> Iterator[Command]:
    named = [value for option in _CONDA_PLACES for value in _values(words, option)]
    goal = next(filter(None, named), "").rstrip("/")
    other = f"conda's environment {goal}".rstrip()
    verbs = [w for w in words if not w.startswith("-")]
    verb = " ".join(verbs[:2]) if verbs[:1] == ["env"] else "".join(verbs[:1])
    if verb == "run":
        inner = list(words[words.index("run") + 1 :])
        while inner and inner[0].startswith("-"):
            inner = inner[2:] if inner[0] in _CONDA_PLACES else inner[1:]
        for command in find_commands(shlex.join(inner)):
            yield replace(command, elsewhere=other) if goal else command
        return
    elsewhere = other if verb in ("create", "env create") or goal not in ("", "base", "/usr/local") else ""
    action = _CONDA_VERBS.get(verb, "other")
    yield Command("conda", action, text, tuple(verbs[1:]), quiet="-q" in words, elsewhere=elsewhere, target=goal)
