"""Requirements files, read as pip reads them, but with every line's place kept."""

from __future__ import annotations

import optparse
import os
import re
import shlex
import urllib.parse
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from packaging.requirements import Requirement as Line

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.bounded_read import fetch, read_bytes
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


@dataclass
class RequirementSet:
    """All that a requirements file and the files it refers to ask for."""

    source: str
    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    """Options for the whole run, as on pip's command line."""
    require_hashes: bool = False
    constraint_files: list[str] = field(default_factory=list)
    """Absolute paths or URLs of the constraints files that the outermost requirements name."""

    @property
    def hashed(self) -> bool:
        """Whether pip would demand a hash of everything."""
        return self.require_hashes or any(
            o.startswith("--hash") for r in (*self.requirements, *self.constraints) for o in r.options
        )


def read_file(path: Path | str) -> RequirementSet:
    """Reads a requirements file and what it refers to; `understand` then says what the lines mean.

    Args:
        path: A path or an address.

    Raises:
        RequirementsNotFoundError: It, or a file that it refers to, can't be read.
        RequirementSyntaxError: Lines that pip would refuse, all of them at once.
    """
    reader = _RequirementReader(RequirementSet(str(path)))
    reader.file(str(path))
    return reader.finished()


def read_lines(
    lines: Sequence[str], *, folder: Path | None = None, texts: Mapping[str, str | None] | None = None
) -> RequirementSet:
    """Reads requirements that are given in words, as on pip's command line.

    Args:
        lines: The requirements, and options that name files of them.
        folder: Where relative paths start; the working folder unless given.
        texts: Files that aren't on disk, by path: what they hold, or None where nobody knows.

    Raises:
        RequirementsNotFoundError, RequirementSyntaxError: See `read_file`.
    """
    reader = _RequirementReader(RequirementSet("given requirements"), folder or Path.cwd(), texts or {})
    for number, line in enumerate(lines, 1):
        reader.line(line, number)
    return reader.finished()


def understand(target: Target, wanted: RequirementSet) -> RequirementSet:
    """The same with names, extras and markers as the interpreter asked about and its pip read them.

    Raises:
        RequirementSyntaxError: Lines that are no requirements.
    """
    read = Line if target.pip_release >= STRICT_PIP else lenient
    faults, understood = [], []
    every = (*wanted.requirements, *wanted.constraints)
    for requirement in every:
        try:
            line = read(requirement.text)
            named = replace(requirement, name=canonical_name(line.name), extras=tuple(sorted(line.extras)))
            understood.append(replace(named, applies=applies(line, target.markers)))
        except ValueError as error:  # no requirement, or a marker that compares what can't be compared
            if is_location(requirement.text):
                understood.append(replace(requirement, name=_name_in(requirement.text)))
                continue
            foreign = requirement.file and requirement.file != wanted.source
            fault = "not a requirement" if foreign else f"{requirement.text}: {str(error).splitlines()[0]}"
            faults.append(f"{requirement.where}: {fault}" if requirement.where else fault)
    if faults:
        raise RequirementSyntaxError("Some lines are not requirements.", evidence=faults)
    count = len(wanted.requirements)
    return replace(wanted, requirements=understood[:count], constraints=understood[count:])


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


def _content(place: str) -> bytes:
    """What a path or an address holds.

    Raises:
        OSError: It can't be read, within the limits of size and time.
    """
    if place.lower().startswith("file:"):
        place = urllib.request.url2pathname(urllib.parse.urlsplit(place).path)
    if is_address(place):
        return fetch(place, most=_FETCHED_BYTES, seconds=_FETCH_SECONDS)[0]
    return read_bytes(place)


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


@dataclass
class _RequirementReader:
    """Collects what lines, and the files that they refer to, ask for."""

    wanted: RequirementSet
    folder: Path = Path()
    """Where relative paths in lines that are given start."""
    texts: Mapping[str, str | None] = field(default_factory=dict)
    """Files that aren't on disk."""
    faults: list[str] = field(default_factory=list)

    def finished(self) -> RequirementSet:
        """All that was collected; raises RequirementSyntaxError for lines that pip would refuse."""
        if self.faults:
            raise RequirementSyntaxError("Can't read the requirements.", evidence=self.faults)
        return self.wanted

    def file(self, place: str, *, constraint: bool = False, above: tuple[str, ...] = ()) -> None:
        """Reads a file.

        Args:
            place: Its path or address.
            constraint: Whether it names constraints.
            above: The files that lead to it, outermost first.
        """
        for number, line in _logical_lines(self._text(place, above)):
            self.line(line, number, constraint=constraint, above=(*above, place))

    def _text(self, place: str, above: tuple[str, ...]) -> str:
        wanted_by = [f"wanted by {above[-1]}"] if above else []
        try:
            text = self.texts[place] if place in self.texts else _decoded(_content(place))
            if text is None:
                raise OSError("its value is known only at run time")
        except OSError as error:
            reason = error.strerror or getattr(error, "reason", None) or error
            evidence = [f"{place}: {reason}", *wanted_by]
            raise RequirementsNotFoundError("Can't read the requirements file.", evidence=evidence) from error
        except (ValueError, LookupError) as error:
            evidence = [f"{place}: {error}", *wanted_by]
            raise RequirementSyntaxError("The requirements file isn't text.", evidence=evidence) from error
        return text

    def line(self, line: str, number: int, *, constraint: bool = False, above: tuple[str, ...] = ()) -> None:
        """Reads one logical line of the last of the files; without files, one that was given."""
        place = above[-1] if above else ""
        words = line.split(" ")
        first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
        text = " ".join(words[:first]).strip()
        # A file that is only referred to may be anybody's: its lines are not shown.
        quoted = place in ("", self.wanted.source)
        shown = f"{place}:{number}: {line}" if quoted else f"{place}:{number}"
        try:
            options, rest = _Parser().parse_args(shlex.split(" ".join(words[first:])))
        except ValueError as error:
            self.faults.append(f"{shown}: {error if quoted else 'not a requirements line'}")
            return
        goal = self.wanted.constraints if constraint else self.wanted.requirements
        if text:
            own = [f"{_OWN[name][0]}={value}" for name in _OWN for value in getattr(options, name)]
            goal.append(Requirement(text, place, number, tuple(own)))
        elif rest:
            option = words[first] if quoted else "an option"
            self.faults.append(f"{shown}: nothing can follow {option} and its value")
        elif options.editable:
            goal.append(Requirement(options.editable[0], place, number, editable=True))
        elif nested := options.requirement or options.constraint:
            inner = _resolved(nested[0], place or str(self.folder / "-"))
            if inner in above or len(above) > _DEEPEST:
                self.faults.append(f"{shown}: {inner} is already being read")
                return
            if not constraint and not options.requirement:
                self.wanted.constraint_files.append(inner if is_address(inner) else str(Path(inner).absolute()))
            # A -r within a constraints file names requirements again, as pip has it.
            self.file(inner, constraint=not options.requirement, above=above)
        else:
            self.wanted.require_hashes |= options.require_hashes
            self.wanted.options += _for_all(options, Path(place).parent if place else self.folder)


def _for_all(options: optparse.Values, folder: Path) -> list[str]:
    """The options of a line that count for the whole run, in pip's spelling."""
    arguments = []
    for name, spellings in _GLOBAL.items():
        for value in getattr(options, name):
            if name == "find_links":
                beside = folder / value
                there = not _URL.match(value) and os.path.exists(beside)  # noqa: PTH110 - of any name
                value = str(beside.absolute()) if there else value
            arguments += [spellings[0], value]
    return arguments + [_FLAGS[name][0] for name in _FLAGS if name != "require_hashes" and getattr(options, name)]


def _resolved(inner: str, outer: str) -> str:
    """Where a nested file lies."""
    if is_address(inner):
        return inner
    if is_address(outer):
        try:
            return urllib.parse.urljoin(outer, inner)
        except ValueError:
            return inner
    return os.path.normpath(Path(outer).parent / inner)
