"""The files that conda, pip and uv read, and the part of each that is ours.

A file that others write too has our lines between two marks; the rest stays as it is. Every file is written beside
its place and moved there.
"""

from __future__ import annotations

import configparser
import errno
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import GuardConfigurationError, PrefixNotWritableError
from bootstrap.prefix.records import META_DIR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BEGIN = "# >>> condacolab-bootstrap: locked versions, written by `bootstrap guard on`"
END = "# <<< condacolab-bootstrap"
CONSTRAINTS = "locked-by-condacolab-bootstrap.txt"
REASON = "locked.by.condacolab.bootstrap"
UV_VARIABLE = "UV_CONSTRAINT"
PIP_VARIABLE = "PIP_CONSTRAINT"

_MACHINE_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf")
_PART = re.compile(r"(==|=|>=|<=|!=|<|>|~=)?\s*([0-9][0-9A-Za-z._+!*]*)$")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system says about a file into an error of ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT):
            raise PrefixNotWritableError(
                "The guard can't be written into the prefix.", evidence=[f"{path}: {error.strerror}"]
            ) from error
        raise


def put(path: Path, text: str) -> None:
    """Replaces a file in one step; an empty text removes it."""
    with writing(path):
        if not text:
            path.unlink(missing_ok=True)
            return
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
            return
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)


def read(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def outside(text: str) -> list[str]:
    """The lines of a file that are not ours."""
    kept, ours = [], False
    for line in text.splitlines():
        if line.startswith(BEGIN.split(":")[0]):
            ours = True
        elif ours and line.startswith(END):
            ours = False
        elif not ours:
            kept.append(line)
    return kept


# conda-meta/pinned


def pinned_path(prefix: Path) -> Path:
    """conda's pins."""
    return prefix / META_DIR / "pinned"


def write_pins(prefix: Path, pins: Sequence[str]) -> list[str]:
    """Puts our pins into conda-meta/pinned, and returns the foreign ones that contradict them, which go."""
    path = pinned_path(prefix)
    versions = {line.split()[0]: line.split()[1] for line in pins}
    kept: list[str] = []
    removed: list[str] = []
    for line in outside(read(path)):
        name, wanted = split_pin(line)
        clash = name in versions and wanted and not admits(wanted, versions[name])
        (removed if clash else kept).append(line)
    block = [BEGIN, *pins, END] if pins else []
    put(path, _text([*kept, *block]))
    return removed


def split_pin(line: str) -> tuple[str, str]:
    """Name and version part of a pin (``python 3.13.*``, ``numpy>=2,<3``, ``numpy=2.1``); '' for none."""
    plain = line.partition("#")[0].strip()
    found = re.match(r"([A-Za-z0-9_.-]+?)\s*((?:[=<>!~]|\s|$).*)$", plain)
    if not found:
        return "", ""
    rest = found[2].strip()
    # A third word is the build.
    return found[1].lower(), rest.split()[0] if rest else ""


def admits(wanted: str, version: str) -> bool:
    """Whether a conda version spec lets a version through; True where it can't be told."""
    return any(all(_admits(part.strip(), version) for part in choice.split(",")) for choice in wanted.split("|"))


def _admits(part: str, version: str) -> bool:
    found = _PART.match(part)
    if not found:
        return True
    sign, bound = found[1] or "", found[2]
    fuzzy = bound.endswith("*") or sign == "="
    stem = bound.rstrip("*").rstrip(".")
    if fuzzy:
        matches = version == stem or version.startswith(f"{stem}.")
        return not matches if sign == "!=" else matches
    have, limit = _numbers(version), _numbers(bound)
    width = max(len(have), len(limit))
    have, limit = have + (0,) * (width - len(have)), limit + (0,) * (width - len(limit))
    return {
        "": have == limit,
        "==": have == limit,
        "!=": have != limit,
        ">=": have >= limit,
        "<=": have <= limit,
        ">": have > limit,
        "<": have < limit,
        "~=": have >= limit and have[: max(1, len(_numbers(bound)) - 1)] == _numbers(bound)[:-1],
    }[sign]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))


# pip


def constraints_path(prefix: Path) -> Path:
    """Our constraints, in a place that conda reads no records from."""
    return prefix / META_DIR / CONSTRAINTS


def write_constraints(prefix: Path, lines: Sequence[str]) -> None:
    """Writes the constraints, and lets the prefix's own pip read them by way of its site configuration."""
    head = (
        "# What the lock holds. Written by `bootstrap guard on`; `bootstrap guard off` takes it away.",
        f"# The version 0+{REASON} exists nowhere: it is there for pip to print when it refuses.",
    )
    path = constraints_path(prefix)
    put(path, _text([*head, *lines]) if lines else "")
    conf = prefix / "pip.conf"
    kept = outside(read(conf))
    _require_readable(conf, kept)
    url = path.as_uri()
    if not lines:
        put(conf, _text(kept))
        return
    others = _machine_constraints(kept)
    # [install] wins over [global]; a machine's own constraint would be hidden by ours, and is repeated.
    block = [BEGIN, "[install]", "constraint =", *(f"    {item}" for item in dict.fromkeys([*others, url])), END]
    if any(line.strip().lower() == "[install]" for line in kept):
        # A section may come only once: ours goes into the one that is there.
        at = next(i for i, line in enumerate(kept) if line.strip().lower() == "[install]")
        block.remove("[install]")
        kept = [*kept[: at + 1], *block, *kept[at + 1 :]]
        put(conf, _text(kept))
    else:
        put(conf, _text([*kept, *block]))


def _require_readable(conf: Path, lines: Sequence[str]) -> None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string("\n".join(lines))
    except configparser.Error as error:
        raise GuardConfigurationError(
            "The prefix's pip configuration can't be read.", evidence=[f"{conf}: {error}".splitlines()[0]]
        ) from error
    if parser.has_option("install", "constraint"):
        raise GuardConfigurationError(
            "The prefix's pip configuration names constraints of its own.",
            evidence=[f"{conf}: [install] constraint = {parser.get('install', 'constraint')}"],
            hint="Move that setting to [global]; the guard takes it over from there.",
        )


def _machine_constraints(kept: Sequence[str]) -> list[str]:
    """Constraints that the machine's configuration, or the rest of the prefix's, names."""
    found: list[str] = []
    for text in (*(read(Path(name)) for name in _MACHINE_FILES), "\n".join(kept)):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_option(section, "constraint"):
                found += parser.get(section, "constraint").split()
    return [item for item in found if "://" in item or Path(item).is_file()]


# uv


def write_variable(prefix: Path, name: str, value: str | None) -> None:
    """Sets a variable for the environment in the way of conda (``conda env config vars``), or takes it away.

    Raises:
        GuardConfigurationError: conda-meta/state is no JSON.
    """
    path = prefix / META_DIR / "state"
    text = read(path)
    try:
        data: dict[str, Any] = json.loads(text) if text.strip() else {"version": 1}
        variables = dict(data.get("env_vars", {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise GuardConfigurationError("conda's state file can't be read.", evidence=[f"{path}: {error}"]) from error
    if value is None:
        if name not in variables:
            return
        del variables[name]
    else:
        variables[name] = value
    data["env_vars"] = variables
    put(path, "" if not variables and set(data) <= {"version", "env_vars"} else json.dumps(data))


def in_environment(prefix: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process of the prefix needs, so that uv and pip are held in it.

    uv reads no configuration of an environment, only this variable. pip needs one only where ``PIP_CONSTRAINT``
    is set, since that would hide its configuration.
    """
    path = constraints_path(prefix)
    if not path.is_file() or " " in str(path):
        return {}
    found = {}
    for name, item in ((UV_VARIABLE, str(path)), (PIP_VARIABLE, path.as_uri())):
        present = variables.get(name, "").split()
        if (name == UV_VARIABLE or present) and item not in present:
            found[name] = " ".join([*present, item])
    return found


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
