"""The files that conda, pip and uv read, and the part of each that is ours.

A file that others write too has our lines between two marks; the rest stays as it is. A file's text is worked
out before any is written; every file is then written beside its place and moved there.
"""

from __future__ import annotations

import configparser
import fcntl
import json
import os
import re
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap._util.atomic import cleared_beside
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

_AS_IT_IS: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
_MACHINE_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf")
_PART = re.compile(r"(==|=|>=|<=|!=|<|>|~=)?\s*([0-9][0-9A-Za-z._+!*]*)$")


@contextmanager
def holding(prefix: Path) -> Iterator[None]:
    """Lets one process at a time switch a prefix's guard, and turns what the system says into an error of ours."""
    try:
        descriptor = os.open(prefix / META_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise PrefixNotWritableError(
            "Can't write the guard's files into the prefix.",
            evidence=[f"{error.filename or prefix}: {error.strerror or error}"],
            hint="Fix the problem above, then run this again: it continues where it stopped.",
        ) from error


def put(path: Path, text: str | None) -> None:
    """Replaces a file in one step, keeping mode and owner; None removes it."""
    beside = cleared_beside(path)
    if text is None:
        path.unlink(missing_ok=True)
        return
    if not text and not path.exists():
        return
    before = path.stat() if path.is_file() else None
    if before and _read(path) == text:
        return
    try:
        # Others may not read it even for a moment: it may hold an index's password.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(beside, flags, 0o600 if before else 0o644), "w", **_AS_IT_IS) as file:
            file.write(text)
            if before:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def read(path: Path) -> str:
    """A file's text, byte for byte; empty where there is none."""
    try:
        return _read(path)
    except OSError:
        return ""


def _read(path: Path) -> str:
    with path.open(**_AS_IT_IS) as file:
        return str(file.read())


def require_plain(path: Path) -> None:
    """Refuses to write where a link would lead elsewhere.

    Raises:
        GuardConfigurationError: It is a link, or no file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        what = f"a link to {path.readlink()}" if path.is_symlink() else "no file"
        raise GuardConfigurationError("The guard won't write through this path.", evidence=[f"{path}: {what}"])


def outside(text: str) -> list[str]:
    """The lines of a file that are not ours."""
    kept, ours = [], False
    for line in text.split("\n"):
        if line.startswith(BEGIN.split(":")[0]):
            ours = True
        elif ours and line.startswith(END):
            ours = False
        elif not ours:
            kept.append(line)
    return kept[:-1] if kept and not kept[-1] else kept


# conda-meta/pinned


def pinned_path(prefix: Path) -> Path:
    """conda's pins."""
    return prefix / META_DIR / "pinned"


def with_pins(text: str, pins: Sequence[str], back: Sequence[str] = ()) -> tuple[str, list[str]]:
    """conda-meta/pinned with our pins, and the foreign ones that contradict them, which go.

    Args:
        text: What it says.
        pins: Ours; none takes them away.
        back: Lines that were taken out before, to be there again, once.
    """
    versions = {line.split()[0]: line.split()[1] for line in pins}
    kept: list[str] = []
    removed: list[str] = []
    for line in outside(text):
        name, wanted = split_pin(line)
        clash = name in versions and wanted and not admits(wanted, versions[name])
        (removed if clash else kept).append(line)
    kept += [line for line in back if line not in kept]
    block = [BEGIN, *pins, END] if pins else []
    return _text([*kept, *block]), removed


def split_pin(line: str) -> tuple[str, str]:
    """Name and version part of a pin (``python 3.13.*``, ``numpy>=2,<3``, ``numpy=2.1``); '' for none."""
    plain = line.partition("#")[0].strip()
    pin = re.match(r"([A-Za-z0-9_.-]+?)\s*((?:[=<>!~]|\s|$).*)$", plain)
    if not pin:
        return "", ""
    rest = pin[2].strip()
    # A third word is the build.
    return pin[1].lower(), rest.split()[0] if rest else ""


def admits(wanted: str, version: str) -> bool:
    """Whether a conda version spec lets a version through; True where it can't be told."""
    return any(all(_admits(part.strip(), version) for part in choice.split(",")) for choice in wanted.split("|"))


def _admits(part: str, version: str) -> bool:
    bound_match = _PART.match(part)
    if not bound_match:
        return True
    sign, bound = bound_match[1] or "", bound_match[2]
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


def constraints_text(lines: Sequence[str]) -> str:
    """Our constraints file."""
    return _text(
        [
            "# The locked versions. Written by `bootstrap guard on`; removed by `bootstrap guard off`.",
            f"# The version 0+{REASON} doesn't exist: pip prints it when it refuses an install.",
            *lines,
        ]
    )


def with_constraint(prefix: Path, text: str) -> str:
    """The prefix's pip.conf, by which its own pip reads our constraints.

    Raises:
        GuardConfigurationError: It can't be read, or names constraints of its own where ours have to stand.
    """
    kept = outside(text)
    _require_readable(prefix / "pip.conf", kept)
    others = _machine_constraints(kept)
    # [install] wins over [global]; a machine's own constraint would be hidden by ours, and is repeated.
    url = constraints_path(prefix).as_uri()
    block = [BEGIN, "[install]", "constraint =", *(f"    {item}" for item in dict.fromkeys([*others, url])), END]
    if any(line.strip().lower() == "[install]" for line in kept):
        # A section may come only once: ours goes into the one that is there.
        at = next(i for i, line in enumerate(kept) if line.strip().lower() == "[install]")
        block.remove("[install]")
        return _text([*kept[: at + 1], *block, *kept[at + 1 :]])
    return _text([*kept, *block])


def without_ours(text: str) -> str:
    """A configuration without our lines."""
    return _text(outside(text))


def _require_readable(conf: Path, lines: Sequence[str]) -> None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string("\n".join(lines))
    except configparser.Error as error:
        raise GuardConfigurationError(
            "Can't parse the prefix's pip configuration.", evidence=[f"{conf}: {error}".splitlines()[0]]
        ) from error
    if parser.has_option("install", "constraint"):
        raise GuardConfigurationError(
            "The prefix's pip configuration already sets constraints.",
            evidence=[f"{conf}: [install] constraint = {parser.get('install', 'constraint')}"],
            hint="Move that setting to [global]; the guard includes it from there.",
        )


def _machine_constraints(kept: Sequence[str]) -> list[str]:
    """Constraints that the machine's configuration, or the rest of the prefix's, names."""
    constraints: list[str] = []
    for text in (*(read(Path(name)) for name in _MACHINE_FILES), "\n".join(kept)):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_option(section, "constraint"):
                constraints += parser.get(section, "constraint").split()
    return [item for item in constraints if "://" in item or Path(item).is_file()]


# uv


def with_variable(prefix: Path, text: str, *, on: bool) -> str:
    """conda-meta/state with, or without, our file in uv's variable, in the way of ``conda env config vars``.

    Raises:
        GuardConfigurationError: It isn't what conda writes.
    """
    path = str(constraints_path(prefix))
    try:
        data: dict[str, Any] = json.loads(text) if text.strip() else {"version": 1}
        variables = dict(data.get("env_vars", {}))
        present = str(variables.get(UV_VARIABLE, "")).split()
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        evidence = [f"{prefix / META_DIR / 'state'}: {error}"]
        raise GuardConfigurationError("Can't parse conda's state file.", evidence=evidence) from error
    others = [item for item in present if item != path]
    # The variable's items stand between blanks, so that a path with one can't be among them.
    wanted = [*others, path] if on and " " not in path else others
    if wanted == present:
        return text
    variables[UV_VARIABLE] = " ".join(wanted)
    if not wanted:
        del variables[UV_VARIABLE]
    data["env_vars"] = variables
    return json.dumps(data)


def names_ours(prefix: Path, text: str) -> bool:
    """Whether conda-meta/state says what `with_variable` has it say."""
    try:
        return with_variable(prefix, text, on=True) == text
    except GuardConfigurationError:
        return False


def in_environment(prefix: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process of the prefix needs, so that uv and pip are held in it.

    uv reads no configuration of an environment, only this variable. pip needs one only where ``PIP_CONSTRAINT``
    is set, since that would hide its configuration.
    """
    path = constraints_path(prefix)
    if not path.is_file() or " " in str(path):
        return {}
    needed = {}
    for name, item in ((UV_VARIABLE, str(path)), (PIP_VARIABLE, path.as_uri())):
        present = variables.get(name, "").split()
        if (name == UV_VARIABLE or present) and item not in present:
            needed[name] = " ".join([*present, item])
    return needed


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
