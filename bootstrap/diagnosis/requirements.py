"""Requirements files, read as pip reads them, but with every line's place kept."""

from __future__ import annotations

import errno
import http.client
import optparse
import os
import re
import shlex
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Line

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.bounded_read import read_bytes
from bootstrap.diagnosis.dependency_graph import STRICT_PIP, applies, lenient
from bootstrap.diagnosis.model import Requirement
from bootstrap.errors import RequirementsNotFoundError, RequirementSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bootstrap.diagnosis.target import Target

_DIRECT = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s*(?P<place>.+)$", re.DOTALL)
_MARKER = re.compile(r"\s;|;\s")
_EXTRAS = re.compile(r"\[[^\[\]]*\]$")
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|file:", re.IGNORECASE)
_REMOTE = re.compile(r"(?:https?|file):", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz|tar)(?:$|[#\[])", re.IGNORECASE)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_DEEPEST = 20
"""So many files may refer to the next one."""
_FETCH_SECONDS = 30.0
_FETCHED_BYTES = 10_000_000
"""What is fetched from an address may take so long, and be so large."""
# What a file may set for the whole run: destination, pip's spelling, whether it takes a value.
_GLOBAL = {
    "index_url": ("--index-url", "-i", "--pypi-url"),
    "extra_index_url": ("--extra-index-url",),
    "find_links": ("--find-links", "-f"),
    "no_binary": ("--no-binary",),
    "only_binary": ("--only-binary",),
    "trusted_host": ("--trusted-host",),
    "use_feature": ("--use-feature",),
}
_FLAGS = {
    "no_index": ("--no-index",),
    "pre": ("--pre",),
    "prefer_binary": ("--prefer-binary",),
    "require_hashes": ("--require-hashes",),
}
_OWN = {
    "hash": ("--hash",),
    "config_settings": ("--config-settings", "--config-setting", "-C"),
    "global_option": ("--global-option",),
}


@dataclass(frozen=True)
class RequirementSet:
    """All that a requirements file and the files it refers to ask for."""

    source: str
    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    options: tuple[str, ...] = ()
    """Options for the whole run, as on pip's command line."""
    require_hashes: bool = False
    constraint_files: tuple[str, ...] = ()
    """Absolute paths or URLs of the constraints files that the outermost requirements name."""

    @property
    def hashed(self) -> bool:
        """Whether pip would demand a hash of everything."""
        return self.require_hashes or any(
            o.startswith("--hash") for r in (*self.requirements, *self.constraints) for o in r.options
        )


@dataclass
class _Reading:
    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    require_hashes: bool = False
    constraint_files: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    texts: Mapping[str, str | None] = field(default_factory=dict)
    quotes: bool = True


def read_file(
    path: Path | str, *, texts: Mapping[str, str | None] | None = None, quotes: bool = True
) -> RequirementSet:
    """Reads a requirements file and what it refers to; `understand` then says what the lines mean.

    Args:
        path: A path or an address.
        texts: Files that aren't on disk, by path: what they hold, or None where nobody knows.
        quotes: Whether faults quote its lines. Files that it refers to are never quoted: they may be anybody's.

    Raises:
        RequirementsNotFoundError: It, or a file that it refers to, can't be read.
        RequirementSyntaxError: Lines that pip would refuse, all of them at once.
    """
    reading = _Reading(texts=texts or {}, quotes=quotes)
    _read(str(path), reading, constraint=False, above=())
    return _finish(reading, str(path))


def read_lines(lines: Sequence[str], *, source: str = "", folder: Path | None = None) -> RequirementSet:
    """Reads requirements that are given in words, as on pip's command line."""
    reading = _Reading()
    here = str((folder or Path.cwd()) / "-")
    for number, line in enumerate(lines, 1):
        _take(line, source, number, reading, constraint=False, above=(here,), base=here)
    return _finish(reading, source or "given requirements")


def _finish(reading: _Reading, source: str) -> RequirementSet:
    if reading.faults:
        raise RequirementSyntaxError("Can't read the requirements.", evidence=reading.faults)
    return RequirementSet(
        source=source,
        requirements=tuple(reading.requirements),
        constraints=tuple(reading.constraints),
        options=tuple(reading.options),
        require_hashes=reading.require_hashes,
        constraint_files=tuple(reading.constraint_files),
    )


def understand(target: Target, wanted: RequirementSet) -> RequirementSet:
    """The same with names, extras and markers as the interpreter asked about and its pip read them.

    Raises:
        RequirementSyntaxError: Lines that are no requirements.
    """
    read = Line if target.pip_release >= STRICT_PIP else lenient
    faults, known = [], []
    every = (*wanted.requirements, *wanted.constraints)
    for requirement in every:
        try:
            line = read(requirement.text)
            found = replace(requirement, name=canonical_name(line.name), extras=tuple(sorted(line.extras)))
            known.append(replace(found, applies=applies(line, target.markers)))
        except InvalidRequirement as error:
            if is_location(requirement.text):
                known.append(replace(requirement, name=_name_in(requirement.text)))
                continue
            foreign = requirement.file and requirement.file != wanted.source
            said = "not a requirement" if foreign else f"{requirement.text}: {str(error).splitlines()[0]}"
            faults.append(f"{requirement.where}: {said}" if requirement.where else said)
    if faults:
        raise RequirementSyntaxError("Some lines are not requirements.", evidence=faults)
    count = len(wanted.requirements)
    return replace(wanted, requirements=tuple(known[:count]), constraints=tuple(known[count:]))


def is_address(place: str) -> bool:
    """Whether a file's place is an address rather than a path."""
    return bool(_REMOTE.match(place))


def is_location(text: str) -> bool:
    """Whether a requirement is a URL, an archive or a folder rather than a name."""
    return bool(
        _DIRECT.match(text)
        or _URL.match(text)
        or _ARCHIVE.search(text)
        or text.startswith(".")
        or os.sep in text.split("[")[0]
    )


def constraint_lines(wanted: RequirementSet, *, build: bool) -> tuple[str, ...]:
    """The constraints for pip; unless sources may be built without those that name a place, which may hold one."""
    return tuple(r.for_pip() for r in wanted.constraints if build or not (r.editable or is_location(r.text)))


def needs_build(requirement: Requirement, folder: Path) -> bool:
    """Whether only a build, which runs the code of what is asked for, tells what a requirement needs.

    Only what every reading takes for a wheel counts as one: what a requirement says may be meant to mislead.

    Args:
        requirement: The requirement.
        folder: Where relative paths start.
    """
    text = requirement.text
    if requirement.editable or len(text.splitlines()) > 1:
        return True
    if not is_location(text):
        return False
    direct = _DIRECT.match(text)
    place, *markers = _MARKER.split(direct["place"] if direct else text, maxsplit=1)
    if ";" in place or any("/" in marker for marker in markers):
        return True
    path = _EXTRAS.sub("", place.strip())
    if _URL.match(path):
        try:
            url = urllib.parse.urlsplit(path)
        except ValueError:
            return True
        if url.scheme.lower() not in ("http", "https", "file"):
            return True
        path = urllib.parse.unquote(url.path)
        if url.scheme.lower() != "file":
            return not path.endswith(".whl")
    return not path.endswith(".whl") or os.path.isdir(folder / path)  # noqa: PTH112 - of any name


def _name_in(text: str) -> str:
    """The name that a URL or path tells by itself; empty where it doesn't."""
    try:
        url = urllib.parse.urlsplit(text)
    except ValueError:
        return ""
    if egg := urllib.parse.parse_qs(url.fragment).get("egg"):
        return canonical_name(egg[0].split("[")[0])
    name = Path(urllib.parse.unquote(url.path)).name
    return canonical_name(name.split("-")[0]) if name.endswith(".whl") else ""


def _read(place: str, reading: _Reading, *, constraint: bool, above: tuple[str, ...]) -> None:
    text = _content(place, above, reading.texts)
    for number, line in _logical_lines(text):
        _take(line, place, number, reading, constraint=constraint, above=(*above, place), base=place)


def _content(place: str, above: tuple[str, ...], texts: Mapping[str, str | None]) -> str:
    wanted_by = [f"wanted by {above[-1]}"] if above else []
    if place in texts:
        text = texts[place]
        if text is None:
            evidence = [f"{place}: its value is known only at run time", *wanted_by]
            raise RequirementsNotFoundError("Can't read the requirements file.", evidence=evidence)
        return text
    try:
        return _decoded(_fetched(place) if _REMOTE.match(place) else read_bytes(place))
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        evidence = [f"{place}: {reason}", *wanted_by]
        raise RequirementsNotFoundError("Can't read the requirements file.", evidence=evidence) from error
    except (ValueError, LookupError) as error:
        evidence = [f"{place}: {error}", *wanted_by]
        raise RequirementSyntaxError("The requirements file isn't text.", evidence=evidence) from error


def _fetched(url: str) -> bytes:
    """What an address holds.

    Raises:
        OSError: It can't be fetched within the limits of size and time.
    """
    if url.lower().startswith("file:"):
        return read_bytes(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
    ends, parts = time.monotonic() + _FETCH_SECONDS, list[bytes]()
    try:
        with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310 - as pip does
            while part := answer.read1(65_536):
                parts.append(part)
                if sum(map(len, parts)) > _FETCHED_BYTES:
                    raise OSError(errno.EFBIG, "too large for a requirements file")
                if time.monotonic() > ends:
                    raise TimeoutError(errno.ETIMEDOUT, f"timed out after {_FETCH_SECONDS:.0f} s")
    except ValueError as error:  # no address
        raise OSError(errno.EINVAL, str(error)) from error
    return b"".join(parts)


def _decoded(data: bytes) -> str:
    """Text by byte order mark, by a named comment in the first two lines, else UTF-8."""
    for mark, named in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(named)
    for line in data.splitlines()[:2]:
        if comment := _CODING.match(line):
            text = data.decode(comment[1].decode("ascii"))
            if not isinstance(text, str):
                raise LookupError(f"{comment[1].decode('ascii')} is not a text encoding")
            return text
    return data.decode("utf-8")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers: joined at backslashes, without comments, variables expanded, empty ones left out."""
    began, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        comment = bool(_COMMENT.match(line))
        began = began or number
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        # The space has a comment behind a continued line still count as one.
        parts.append(f" {line}" if comment else line)
        yield from _cleaned(began, "".join(parts))
        began, parts = 0, []
    if parts:
        yield from _cleaned(began, "".join(parts))


def _cleaned(number: int, line: str) -> Iterator[tuple[int, str]]:
    line = _COMMENT.sub("", line).strip()
    if line:
        yield number, _VARIABLE.sub(lambda variable: os.environ.get(variable[1]) or variable[0], line)


class _Parser(optparse.OptionParser):
    """Options of one line, with pip's own rules: prefixes, values glued or apart."""

    def __init__(self) -> None:
        super().__init__(add_help_option=False)
        for names in (*_GLOBAL.items(), *_OWN.items()):
            self.add_option(*names[1], dest=names[0], action="append", default=[])
        for name, spellings in _FLAGS.items():
            self.add_option(*spellings, dest=name, action="store_true", default=False)
        self.add_option("-r", "--requirement", dest="requirement", action="append", default=[])
        self.add_option("-c", "--constraint", dest="constraint", action="append", default=[])
        self.add_option("-e", "--editable", dest="editable", action="append", default=[])

    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


def _take(
    line: str, place: str, number: int, reading: _Reading, *, constraint: bool, above: tuple[str, ...], base: str
) -> None:
    """Reads one logical line."""
    words = line.split(" ")
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    text = " ".join(words[:first]).strip()
    # A file that is only referred to may be anybody's: its lines are not shown.
    shown = f"{place}:{number}: {line}" if len(above) == 1 and reading.quotes else f"{place}:{number}"
    try:
        options, rest = _Parser().parse_args(shlex.split(" ".join(words[first:])))
    except ValueError as error:
        reading.faults.append(f"{shown}: {error if line in shown else 'not a requirements line'}")
        return
    if rest and not text:
        reading.faults.append(
            f"{shown}: nothing can follow {words[first] if line in shown else 'an option'} and its value"
        )
        return
    goal = reading.constraints if constraint else reading.requirements
    if text:
        own = [f"{_OWN[name][0]}={value}" for name in _OWN for value in getattr(options, name)]
        goal.append(Requirement(text, place, number, tuple(own)))
        return
    if options.editable:
        goal.append(Requirement(options.editable[0], place, number, editable=True))
        return
    nested = options.requirement or options.constraint
    if nested:
        inner = _resolved(nested[0], base)
        if inner in above or len(above) > _DEEPEST:
            reading.faults.append(f"{shown}: {inner} is already being read")
            return
        if not constraint and not options.requirement:
            reading.constraint_files.append(inner if _REMOTE.match(inner) else str(Path(inner).absolute()))
        # A -r within a constraints file names requirements again, as pip has it.
        _read(inner, reading, constraint=not options.requirement, above=above)
        return
    reading.require_hashes = reading.require_hashes or options.require_hashes
    for name, spellings in _GLOBAL.items():
        for value in getattr(options, name):
            if name == "find_links":
                beside = Path(base).parent / value
                there = not _URL.match(value) and os.path.exists(beside)  # noqa: PTH110 - of any name
                value = str(beside.absolute()) if there else value
            reading.options += [spellings[0], value]
    reading.options += [_FLAGS[n][0] for n in _FLAGS if n != "require_hashes" and getattr(options, n)]


def _resolved(inner: str, outer: str) -> str:
    """Where a nested file lies."""
    if _REMOTE.match(inner):
        return inner
    if _REMOTE.match(outer):
        try:
            return urllib.parse.urljoin(outer, inner)
        except ValueError:
            return inner
    return os.path.normpath(Path(outer).parent / inner)
