"""Resolvers, asked what they would do to a metadata-only copy of an environment.

pip's word counts: it is the pip of the interpreter asked about, and its report is read, not its messages.
uv answers the same questions in a tenth of the time, and is told all that pip would read from its settings.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bootstrap.children import captured
from bootstrap.diagnosis.index import archive_at
from bootstrap.diagnosis.interpreter_process import quiet_environment
from bootstrap.diagnosis.model import Dist, Requirement, Resolution
from bootstrap.diagnosis.sources import describe_source, wanted_sources
from bootstrap.errors import AsOfError, IndexUnreachableError, ResolverError, ResolverNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.index import Index
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
_UV_LINE = re.compile(r"^ [+~-] (?P<name>\S+?)(?:==(?P<version>\S+)(?: \(from (?P<source>.+)\))?| @ (?P<url>\S+))$")
_LINE = re.compile(r"-r \S*/requirements\.txt \(line (\d+)\)")
_PLACES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host")
_HINTS = (
    *("To fix this you", "1. loosen the range", "2. remove package versions", "hint:", "(unavailable"),
    *("Additionally, some packages", "Ignored the following", "No solution found when resolving"),
)
_UV_FLAGS = {
    **{word: [word] for word in ("--no-deps", "--require-hashes", "--no-build-isolation")},
    **{word: ["--reinstall", "--upgrade"] for word in ("--force-reinstall", "-I", "--ignore-installed")},
    "--pre": ["--prerelease", "allow"],
}


@dataclass(frozen=True)
class Question:
    """What a resolver is asked; equal questions have equal answers."""

    requirements: tuple[Requirement, ...]
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    hashes: bool = False
    """Whether hashes go along: pip then demands one of everything."""


@dataclass(eq=False, kw_only=True)
class Resolver:
    """Asks pip or uv about one metadata-only environment, and remembers the answers."""

    per_core: ClassVar[int] = 1
    """So many may run at once for each core."""
    name: str = field(init=False)
    """``pip 24.1.2``, ``uv 0.9.1``."""
    metadata_env: MetadataEnvironment
    """The environment; answers are forgotten when it has changed."""
    index: Index
    """Asked what resolvers don't tell of an archive, and what a source that may not be built says."""
    folder: Path = field(default_factory=Path.cwd)
    """Where relative paths in requirements start."""
    as_of: str | None = None
    """A day, ISO 8601: nothing uploaded later is considered."""
    build: bool = False
    """Whether sources may be built, which runs their code."""
    _answers: dict[tuple[frozenset[tuple[str, str]], Question], Resolution] = field(default_factory=dict, init=False)

    def resolve(self, question: Question) -> Resolution:
        """What would be installed, or why nothing can be.

        Raises:
            IndexUnreachableError: An index doesn't answer: then nothing is known.
            ResolverError: The resolver failed without a usable answer.
        """
        key = frozenset((d.key, d.version) for d in self.metadata_env), question
        if key not in self._answers:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="resolve-", dir=self.metadata_env.root.parent) as scratch:
                outcome = self._with_sources(question, Path(scratch))
            self._answers[key] = replace(outcome, seconds=time.monotonic() - began)
        return self._answers[key]

    def _with_sources(self, question: Question, scratch: Path) -> Resolution:
        """Asks again as long as the only thing that is missing is there as source, which is then described.

        Raises:
            IndexUnreachableError: What was said to be missing may be there: an index doesn't answer.
        """
        described: list[str] = []
        for _ in range(_MOST_SOURCES):
            outcome = self._run(question, scratch)
            if not outcome.failed or self.build:
                break
            named = [r.text for r in question.requirements]
            wanted = [w for w in wanted_sources("\n".join(outcome.failed), named) if w not in described]
            index = self.index.with_options(question.options)
            more = [d for w in wanted if (d := describe_source(w, index, scratch / "described", self.as_of))]
            if not set(more) - set(described):
                break
            described += more
        return replace(outcome, unbuilt=tuple(dict.fromkeys(described)))

    def _run(self, question: Question, scratch: Path) -> Resolution:
        raise NotImplementedError

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            environment = quiet_environment(TMPDIR=str(self.metadata_env.root.parent))
            return captured(command, SECONDS, errors="replace", cwd=self.folder, env=environment)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ResolverError(
                "The resolver can't be run, or timed out.", evidence=[f"{command[0]}: {error}"]
            ) from error


def as_files(question: Question, folder: Path, scratch: Path) -> list[str]:
    """A question's requirements and constraints in files, as arguments; folders of sources as copies to build in.

    Args:
        question: The question.
        folder: Where relative paths start.
        scratch: Where the files and the copies are made.
    """
    lines = [
        replace(r, text=_away(r.text, folder, scratch)).for_pip(hashes=question.hashes) for r in question.requirements
    ]
    (scratch / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["-r", str(scratch / "requirements.txt")]
    if question.constraints:
        (scratch / "constraints.txt").write_text("\n".join(question.constraints) + "\n", encoding="utf-8")
        arguments += ["-c", str(scratch / "constraints.txt")]
    return arguments


@dataclass(eq=False, kw_only=True)
class PipResolver(Resolver):
    """The pip of the interpreter asked about, by its dry run's report."""

    def __post_init__(self) -> None:
        self.name = f"pip {self.metadata_env.target.pip_version}"

    def _run(self, question: Question, scratch: Path) -> Resolution:
        target = self.metadata_env.target
        report = scratch / "report.json"
        command = [str(self.metadata_env.python), str(target.pip_path / "__pip-runner__.py"), "install", "--dry-run"]
        command += ["--no-color", "--progress-bar", "off", "--log", "/dev/null", "--report", str(report)]
        command += [*question.options, *as_files(question, self.folder, scratch)]
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


@dataclass(eq=False, kw_only=True)
class UvResolver(Resolver):
    """uv, told what pip would read from its settings."""

    per_core: ClassVar[int] = 2  # it waits for the index most of the time; pip computes
    uv: Path

    def __post_init__(self) -> None:
        self.name = " ".join(captured([str(self.uv), "--version"]).stdout.split()[:2]) or "uv"

    def _run(self, question: Question, scratch: Path) -> Resolution:
        command = [str(self.uv), "pip", "install", "--dry-run", "--no-config", "--color", "never", "--no-progress"]
        command += ["--python", str(self.metadata_env.python), "--index-strategy", "unsafe-best-match"]
        index = self.index.with_options(question.options)
        command += _places(index.settings) + translate(question.options, question.requirements, build=self.build)
        if (scratch / "described").is_dir():
            command += ["--find-links", str(scratch / "described")]
        command += as_files(question, self.folder, scratch)
        for constraint in index.settings.constraints:
            command += ["-c", constraint]
        command += ["--exclude-newer", self.as_of] if self.as_of else []
        done = self._call(command)
        if "\nUsage: uv" in done.stderr:
            raise ResolverError("uv can't parse something that pip accepts.", evidence=done.stderr.splitlines()[:2])
        if done.returncode != 0:
            return Resolution(failed=_reasons(done.stderr, self.name), resolver=self.name)
        lines = [line for line in done.stderr.splitlines() if line.startswith((" + ", " ~ "))]
        requested = {r.name for r in question.requirements}
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
    match = _UV_LINE.match(line)
    if match is None:
        raise ResolverError("Can't parse uv's output.", evidence=[line])
    version, url = match["version"] or "", match["source"] or match["url"]
    archive = archive_at(url) if url and url.startswith(("http", "file")) else None
    told = archive is not None and archive.filename.endswith((".whl", ".gz", ".zip"))
    dist = index.dist_of(archive) if archive and told else index.dist(match["name"], version)
    if dist is None:
        raise ResolverError("Can't read the metadata of a package that uv would install.", evidence=[line.strip()])
    return replace(dist, version=version or dist.version)


def find_uv(python: Path, *, needed: bool = False) -> Path | None:
    """uv's executable: on the PATH, beside the interpreter asked about, or beside ours.

    Raises:
        ResolverNotFoundError: It isn't there, and needed.
    """
    places = (os.environ.get("PATH", os.defpath), str(python.parent), str(Path(sys.executable).parent))
    executable = shutil.which("uv", path=os.pathsep.join(places))
    if needed and executable is None:
        raise ResolverNotFoundError("uv isn't installed.", evidence=["searched PATH and the interpreters' folders"])
    return Path(executable) if executable else None


def translate(options: Sequence[str], requirements: Sequence[Requirement], *, build: bool = True) -> list[str]:
    """pip's options in uv's words; those without a counterpart change nothing that uv would do.

    pip's ``--upgrade`` concerns the named packages alone, uv's concerns all; pip's ``--force-reinstall`` takes the
    newest of everything, uv's keeps versions.
    Without ``build`` nothing is built, whatever the options say.
    """
    eager = "eager" in options or "--upgrade-strategy=eager" in options
    upgrade = "-U" in options or "--upgrade" in options
    converted: list[str] = [] if build else ["--no-build"]
    words = iter(options)
    for word in words:
        if word in (*_PLACES, "--upgrade-strategy"):
            next(words, "")  # places are given from the settings, which hold these already; so is --no-index
        elif word in ("--no-binary", "--only-binary"):
            value = next(words, "")
            converted += [word, value] if build else []
        else:
            converted += _UV_FLAGS.get(word, [])
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
    copy = Path(tempfile.mkdtemp(dir=scratch)) / place.name
    ignore = shutil.ignore_patterns(".venv", "venv", "node_modules", ".tox", ".nox", "__pycache__")
    shutil.copytree(place, copy, symlinks=True, ignore=ignore)
    return f"{copy}{bracket}{extras}"
