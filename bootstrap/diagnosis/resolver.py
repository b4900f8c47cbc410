"""Resolvers, asked what they would do to a metadata-only copy of an environment.

pip's word counts: it is the pip of the interpreter asked about, and its report is read, not its messages.
uv answers the same questions in a tenth of the time, and is told all that pip would read from its settings.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.diagnosis.index import Index, archive_at
from bootstrap.diagnosis.interpreter_process import captured, quiet_environment
from bootstrap.diagnosis.model import Dist, Requirement, Resolution
from bootstrap.diagnosis.settings import combine
from bootstrap.diagnosis.sources import describe_source, wanted_sources
from bootstrap.errors import AsOfError, IndexUnreachableError, ResolverError, ResolverNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.metadata_env import MetadataEnvironment
    from bootstrap.diagnosis.settings import PipSettings

SECONDS = 600.0
"""How long one resolution may take."""
PIP_WITH_DATES = (26, 0)
"""The first that can leave out what was uploaded later."""
_KEPT = 14
_MOST_SOURCES = 8
_METADATA_AT_ONCE = 8
_UNREACHED = re.compile(
    r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|Max retries exceeded"
    r"|ProxyError|SSLError|ConnectionResetError|Connection refused|error sending request|dns error"
    r"|Failed to (?:fetch|resolve host)|Connection broken"
)
_LEAD = re.compile(r"^(?:(?:ERROR|error|cause): |[x\u00d7] |╰─▶ )")
_NOISE = re.compile(r"(?:WARNING|ERROR): |\(Retry\(.*?\)\) |<pip\._vendor[^<>]*>: ")
_UV_LINE = re.compile(r"^ ([+~-]) (\S+?)==(\S+)(?: \(from (.+)\))?$")
_UV_URL = re.compile(r"^ ([+~-]) (\S+) @ (\S+)$")
_LINE = re.compile(r"-r \S*/requirements\.txt \(line (\d+)\)")
_PLACES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host")
_VALUED = ("--no-binary", "--only-binary")
_HINTS = (
    *("To fix this you", "1. loosen the range", "2. remove package versions", "hint:", "(unavailable"),
    *("Additionally, some packages", "Ignored the following", "No solution found when resolving"),
)
_UV_VALUELESS = {"--pre": ["--prerelease", "allow"], "--no-deps": ["--no-deps"]}
_UV_VALUELESS |= {"--require-hashes": ["--require-hashes"], "--no-build-isolation": ["--no-build-isolation"]}


@dataclass(frozen=True)
class Question:
    """What a resolver is asked; equal questions have equal answers."""

    requirements: tuple[Requirement, ...]
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    hashes: bool = False
    """Whether hashes go along: pip then demands one of everything."""
    held: tuple[str, ...] = ()
    """Further bounds, as ``numpy==2.0.2``."""


class Resolver:
    """Asks pip or uv about one metadata-only environment, and remembers the answers."""

    def __init__(
        self,
        metadata_env: MetadataEnvironment,
        *,
        folder: Path | None = None,
        as_of: str | None = None,
        build: bool = False,
        index: Index | None = None,
    ) -> None:
        """Remembers the environment.

        Args:
            metadata_env: The environment; answers are forgotten when it has changed.
            folder: Where relative paths in requirements start; the working folder unless given.
            as_of: A day, ISO 8601: nothing uploaded later is considered.
            build: Whether sources may be built, which runs their code.
            index: Asked what a source says of itself, where there is nothing else and it may not be built.
        """
        self.metadata_env = metadata_env
        self.folder = folder or Path.cwd()
        self.as_of = as_of
        self.build = build
        self.index = index
        self._answers: dict[tuple[int, Question], Resolution] = {}
        self._lock = threading.Lock()
        self.asked = 0

    def resolve(self, question: Question) -> Resolution:
        """What would be installed, or why nothing can be.

        Raises:
            IndexUnreachableError: An index doesn't answer: then nothing is known.
            ResolverError: The resolver failed without a usable answer.
        """
        key = (id(self.metadata_env) ^ hash(frozenset((d.key, d.version) for d in self.metadata_env)), question)
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="resolve-", dir=self.metadata_env.root.parent) as scratch:
            outcome = self._with_sources(question, Path(scratch))
        outcome = replace(outcome, seconds=time.monotonic() - began)
        with self._lock:
            self._answers[key] = outcome
            self.asked += 1
        return outcome

    def _with_sources(self, question: Question, scratch: Path) -> Resolution:
        """Asks again as long as the only thing that is missing is there as source, which is then described.

        Raises:
            IndexUnreachableError: What was said to be missing may be there: an index doesn't answer.
        """
        described: list[str] = []
        for _ in range(_MOST_SOURCES):
            outcome = self._run(question, scratch)
            if not outcome.failed or self.build or self.index is None:
                break
            named = [r.text for r in question.requirements]
            wanted = [w for w in wanted_sources("\n".join(outcome.failed), named) if w not in described]
            index = self.index.with_options(question.options)
            more = [d for w in wanted if (d := describe_source(w, index, scratch / "described", self.as_of))]
            if not set(more) - set(described):
                break
            described += more
        return replace(outcome, unbuilt=tuple(dict.fromkeys(described)))

    @property
    def name(self) -> str:
        """``pip 24.1.2``, ``uv 0.9.1``."""
        raise NotImplementedError

    def _run(self, question: Question, scratch: Path) -> Resolution:
        raise NotImplementedError

    def _files(self, question: Question, scratch: Path) -> list[str]:
        """Requirements and constraints as files, folders of sources as copies that may be built in."""
        lines = [
            Requirement(
                _away(r.text, self.folder, scratch), options=r.options, editable=r.editable, extras=r.extras
            ).for_pip(hashes=question.hashes)
            for r in question.requirements
        ]
        (scratch / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        arguments = ["-r", str(scratch / "requirements.txt")]
        bounds = [*question.constraints, *question.held]
        if bounds:
            (scratch / "constraints.txt").write_text("\n".join(bounds) + "\n", encoding="utf-8")
            arguments += ["-c", str(scratch / "constraints.txt")]
        return arguments

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            environment = quiet_environment(TMPDIR=str(self.metadata_env.root.parent))
            return captured(command, SECONDS, errors="replace", cwd=self.folder, env=environment)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ResolverError(
                "The resolver can't be run, or timed out.", evidence=[f"{command[0]}: {error}"]
            ) from error


class PipResolver(Resolver):
    """The pip of the interpreter asked about, by its dry run's report."""

    @property
    def name(self) -> str:
        """``pip 24.1.2``."""
        return f"pip {self.metadata_env.target.pip_version}"

    def _run(self, question: Question, scratch: Path) -> Resolution:
        target = self.metadata_env.target
        report = scratch / "report.json"
        command = [str(self.metadata_env.python), str(target.pip_path / "__pip-runner__.py"), "install", "--dry-run"]
        command += ["--no-color", "--progress-bar", "off", "--log", "/dev/null", "--report", str(report)]
        command += [*question.options, *self._files(question, scratch)]
        command += ["--require-hashes"] if question.hashes and "--require-hashes" not in question.options else []
        if not self.build:
            # The last word: it takes back what settings and options say of single packages.
            command += ["--only-binary", ":all:"]
        if (scratch / "described").is_dir():
            command += ["--find-links", str(scratch / "described")]
        if self.as_of:
            if target.pip_release < PIP_WITH_DATES:
                raise AsOfError(
                    "This pip is too old for --as-of.", evidence=[f"{target.python}: {self.name}, needs 26 (or uv)"]
                )
            command += ["--uploaded-prior-to", self.as_of]
        done = self._call(command)
        if done.returncode != 0:
            # Errors are on stderr, but what conflicts with what is told on stdout.
            told = done.stdout.partition("The conflict is caused by:")[2]
            reasons = _reasons(f"{done.stderr}\n{told}", self.name)
            texts = [r.text for r in question.requirements]
            named = (_LINE.sub(lambda m: texts[int(m[1]) - 1], reason) for reason in reasons)
            return Resolution(failed=tuple(named), resolver=self.name)
        try:
            items = json.loads(report.read_text(encoding="utf-8"))["install"]
        except (OSError, ValueError, KeyError) as error:
            raise ResolverError("pip wrote no report.", evidence=[f"{self.name}: {error}"]) from error
        return Resolution(tuple(_from_report(item) for item in items), resolver=self.name)


class UvResolver(Resolver):
    """uv, told what pip would read from its settings."""

    def __init__(self, metadata_env: MetadataEnvironment, uv: Path, pip: dict[str, str], **common: Any) -> None:
        super().__init__(metadata_env, **common)
        self._uv, self._pip = uv, pip
        self._indexes: dict[PipSettings, Index] = {}
        version = subprocess.run([str(uv), "--version"], capture_output=True, text=True, check=False).stdout.split()
        self._name = f"uv {version[1] if len(version) > 1 else ''}".strip()

    @property
    def name(self) -> str:
        """``uv 0.9.1``."""
        return self._name

    def _run(self, question: Question, scratch: Path) -> Resolution:
        command = [str(self._uv), "pip", "install", "--dry-run", "--no-config", "--color", "never", "--no-progress"]
        command += ["--python", str(self.metadata_env.python), "--index-strategy", "unsafe-best-match"]
        settings = combine(self._pip, question.options)
        command += _places(settings) + translate(question.options, question.requirements, build=self.build)
        if (scratch / "described").is_dir():
            command += ["--find-links", str(scratch / "described")]
        command += self._files(question, scratch)
        for constraint in settings.constraints:
            command += ["-c", constraint]
        command += ["--exclude-newer", self.as_of] if self.as_of else []
        done = self._call(command)
        if "\nUsage: uv" in done.stderr:
            raise ResolverError("uv can't parse something that pip accepts.", evidence=done.stderr.splitlines()[:2])
        if done.returncode != 0:
            return Resolution(failed=_reasons(done.stderr, self.name), resolver=self.name)
        lines = [line for line in done.stderr.splitlines() if line.startswith((" + ", " ~ "))]
        requested = {r.name for r in question.requirements}
        with self._lock:
            index = self._indexes.setdefault(settings, Index(settings, self.metadata_env.target.short_version))
        with ThreadPoolExecutor(_METADATA_AT_ONCE) as pool:
            planned = list(pool.map(lambda line: _planned(line, index), lines))
        return Resolution(tuple(replace(d, requested=d.key in requested) for d in planned), resolver=self.name)


def _places(settings: PipSettings) -> list[str]:
    """Where uv looks for packages."""
    uv_options = ["--default-index", settings.index] if settings.index else ["--no-index"]
    for extra in settings.extra:
        uv_options += ["--index", extra]
    for link in settings.find_links:
        uv_options += ["--find-links", link]
    for host in settings.trusted:
        uv_options += ["--allow-insecure-host", host]
    return uv_options


def _planned(line: str, index: Index) -> Dist:
    """What a line of uv's plan installs, with what its archive says of itself."""
    if match := _UV_LINE.match(line):
        name, version, url = match[2], match[3], match[4]
    elif match := _UV_URL.match(line):
        name, version, url = match[2], "", match[3]
    else:
        raise ResolverError("Can't parse uv's output.", evidence=[line])
    archive = archive_at(url) if url and url.startswith(("http", "file")) else None
    told = archive is not None and archive.filename.endswith((".whl", ".gz", ".zip"))
    dist = index.dist_of(archive) if archive and told else index.dist(name, version)
    if dist is None:
        raise ResolverError("Can't read the metadata of a package that uv would install.", evidence=[line.strip()])
    return replace(dist, version=version or dist.version)


def find_uv(python: Path) -> Path | None:
    """uv's executable: on the PATH, beside the interpreter asked about, or beside ours."""
    for place in (None, python.parent, Path(sys.executable).parent):
        executable = shutil.which("uv", path=None if place is None else str(place))
        if executable:
            return Path(executable)
    return None


def need_uv(python: Path) -> Path:
    """uv's executable.

    Raises:
        ResolverNotFoundError: It isn't there.
    """
    uv = find_uv(python)
    if uv is None:
        raise ResolverNotFoundError("uv isn't installed.", evidence=["searched PATH and the interpreters' folders"])
    return uv


def translate(options: Sequence[str], requirements: Sequence[Requirement], *, build: bool = True) -> list[str]:
    """pip's options in uv's words; those without a counterpart change nothing that uv would do.

    pip's ``--upgrade`` concerns the named packages alone, uv's concerns all; pip's ``--force-reinstall`` takes the
    newest of everything, uv's keeps versions.
    Without ``build`` nothing is built, whatever the options say.
    """
    words = list(options)
    eager = "eager" in words or "--upgrade-strategy=eager" in words
    converted: list[str] = [] if build else ["--no-build"]
    upgrade = False
    while words:
        word = words.pop(0)
        if word in _PLACES and words:
            # Given from the settings, which hold these already; so is --no-index.
            words.pop(0)
        elif word in _VALUED and words:
            value = words.pop(0)
            converted += [word, value] if build else []
        elif word in _UV_VALUELESS:
            converted += _UV_VALUELESS[word]
        elif word in ("-U", "--upgrade"):
            upgrade = True
        elif word in ("--force-reinstall", "-I", "--ignore-installed"):
            converted += ["--reinstall", "--upgrade"]
        elif word == "--upgrade-strategy" and words:
            words.pop(0)
    if upgrade and eager:
        converted.append("--upgrade")
    elif upgrade:
        for requirement in requirements:
            converted += ["--upgrade-package", requirement.name] if requirement.name else []
    return converted


def _from_report(item: dict[str, Any]) -> Dist:
    data, source = item["metadata"], item.get("download_info", {})
    return Dist(
        name=data["name"],
        version=data["version"],
        requires=tuple(data.get("requires_dist") or ()),
        extras=tuple(data.get("provides_extra") or ()),
        requires_python=data.get("requires_python"),
        direct_url=source if item.get("is_direct") else None,
        requested=bool(item.get("requested")),
        url=source.get("url"),
    )


def _reasons(text: str, name: str) -> tuple[str, ...]:
    """Why a resolver gave up, in its words.

    Raises:
        IndexUnreachableError: For want of an index, not of a solution.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in text.splitlines()]
    # An address that answers "no such file" is no index out of reach.
    if lost := [line for line in lines if _UNREACHED.search(line) and "status client error" not in line]:
        where = next((line for line in lost if "://" in line), lost[-1])
        told = list(dict.fromkeys(_LEAD.sub("", _NOISE.sub("", line).strip()) for line in (where, lost[-1])))
        raise IndexUnreachableError("The package index doesn't respond.", evidence=[f"{name}: {': '.join(told)}"])
    kept = [
        _LEAD.sub("", line.strip())
        for line in lines
        if line.strip() and not line.startswith(("WARNING", "[notice]", "DEPRECATION", "Using Python", "  warn"))
    ]
    kept = [line for line in kept if "ResolutionImpossible" not in line and not line.startswith(_HINTS)]
    return tuple((kept or [f"{name} failed without a message"])[:_KEPT])


def _away(text: str, folder: Path, scratch: Path) -> str:
    """A folder of sources as a copy: building in it writes into it. Anything else as it is."""
    bare, bracket, extras = text.partition("[")
    bare = bare.strip()
    if "://" in bare or not bare:
        return text
    place = (folder / bare).resolve()
    if not place.is_dir() or not ((place / "pyproject.toml").is_file() or (place / "setup.py").is_file()):
        return text
    copy = scratch / "sources" / str(len(list(scratch.glob("sources/*")))) / place.name
    ignore = shutil.ignore_patterns(".venv", "venv", "node_modules", ".tox", ".nox", "__pycache__")
    shutil.copytree(place, copy, symlinks=True, ignore=ignore)
    return f"{copy}{bracket}{extras}"
