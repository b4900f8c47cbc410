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

from bootstrap import provenance
from bootstrap._util.atomic import cleared_beside, replacing
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
    if text is None:
        cleared_beside(path)
        path.unlink(missing_ok=True)
        return
    before = path.stat() if path.exists() else None
    if text == (_read(path) if before else ""):
        return
    with replacing(path) as new:
        # Others may not read it even for a moment: it may hold an index's password.
        new.touch(mode=0o600 if before else 0o644, exist_ok=False)
        with new.open("w", **_AS_IT_IS) as file:
            file.write(text)
        if before:
            with suppress(PermissionError):
                os.chown(new, before.st_uid, before.st_gid)
            new.chmod(stat.S_IMODE(before.st_mode))


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
    """Whether a conda version spec lets a version through, by their numbers; True where it can't be told."""
    release = _release(version)
    choices = (choice.split(",") for choice in wanted.split("|"))
    return any(all(provenance.admits(_as_pips(part), release) for part in choice) for choice in choices)


def _as_pips(part: str) -> str:
    """One condition of a conda version spec as pip writes it: ``3.13.*`` and ``=3.13`` are ``==3.13.*``."""
    bound = part.strip().lstrip("<>=!~")
    sign = part.strip().removesuffix(bound)
    starts = sign == "=" or (bound.endswith("*") and sign in ("", "==", "!="))
    return f"{'==' if sign in ('', '=') else sign}{_release(bound)}{'.*' if starts else ''}"


def _release(version: str) -> str:
    """The numbers that a version begins with; pip reads not all that conda's may have behind them."""
    numbers = re.match(r"[\d.!]*\d", version)
    return numbers[0] if numbers else version


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
    # A section may come only once: ours goes into the one that is there.
    there = [number for number, line in enumerate(kept, 1) if line.strip().lower() == "[install]"]
    at = there[0] if there else len(kept)
    # [install] wins over [global]; a machine's own constraint would be hidden by ours, and is repeated.
    items = dict.fromkeys([*others, constraints_path(prefix).as_uri()])
    block = [BEGIN, *([] if there else ["[install]"]), "constraint =", *(f"    {item}" for item in items), END]
    return _text([*kept[:at], *block, *kept[at:]])


def without_ours(text: str) -> str:
    """A configuration without our lines."""
    return _text(outside(text))


def _require_readable(conf: Path, lines: Sequence[str]) -> None:
    try:
        constraint = _settings("\n".join(lines)).get("install", "constraint", fallback=None)
    except configparser.Error as error:
        raise GuardConfigurationError(
            "Can't parse the prefix's pip configuration.", evidence=[f"{conf}: {error}".splitlines()[0]]
        ) from error
    if constraint is not None:
        raise GuardConfigurationError(
            "The prefix's pip configuration already sets constraints.",
            evidence=[f"{conf}: [install] constraint = {constraint}"],
            hint="Move that setting to [global]; the guard includes it from there.",
        )


def _machine_constraints(kept: Sequence[str]) -> list[str]:
    """Constraints that the machine's configuration, or the rest of the prefix's, names."""
    constraints: list[str] = []
    for text in (*(read(Path(name)) for name in _MACHINE_FILES), "\n".join(kept)):
        with suppress(configparser.Error):
            settings = _settings(text)
            for section in ("global", "install"):
                constraints += settings.get(section, "constraint", fallback="").split()
    return [item for item in constraints if "://" in item or Path(item).is_file()]


def _settings(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return parser


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
