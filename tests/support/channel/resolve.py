"""From environment.yml to wheels on disk, with pip's resolver and pip's configuration."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .names import conda_constraint, conda_name, pip_constraint, pypi_name, split_spec
from .target import ChannelError, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.markers import Marker

# The CPU build that the machines here have; without it pip would take the CUDA build, gigabytes of it.
CPU_TORCH = "torch==2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Spec:
    """One line of environment.yml's dependencies: conda name, the rest, and the PyPI project behind it."""

    name: str
    constraint: str
    project: str | None


@dataclass(frozen=True)
class Resolved:
    """One distribution that pip chose.

    Attributes:
        project: Canonical PyPI name.
        version: As its metadata has it, local part included.
        url: Where pip would take it from.
        sha256: The wheel's hash, empty where pip doesn't know it.
        metadata: pip's report of the METADATA file, keys such as ``requires_dist``.
    """

    project: str
    version: str
    url: str
    sha256: str
    metadata: dict[str, Any] = field(repr=False)

    @property
    def filename(self) -> str:
        """The last part of the URL."""
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[1])


@dataclass(frozen=True)
class Resolution:
    """What pip chose, and the marker environment that it chose for."""

    distributions: tuple[Resolved, ...]
    environment: dict[str, str]

    def depends(self, project: str) -> list[str]:
        """A distribution's requirements as conda specs: markers judged, extras spelled out, sorted."""
        found: dict[str, set[str]] = {}
        self._collect(project, "", found, set())
        own = conda_name(project)
        return sorted(
            f"{name} {','.join(sorted(filter(None, parts)))}".strip() for name, parts in found.items() if name != own
        )

    def _collect(self, project: str, extra: str, found: dict[str, set[str]], seen: set[tuple[str, str]]) -> None:
        if (project, extra) in seen:
            return
        seen.add((project, extra))
        by_project = {item.project: item for item in self.distributions}
        for line in by_project[project].metadata.get("requires_dist", ()):
            requirement = Requirement(line)
            if not _applies(requirement.marker, self.environment, extra):
                continue
            other = canonicalize_name(requirement.name)
            found.setdefault(conda_name(other), set()).add(conda_constraint(requirement.specifier))
            for asked in requirement.extras:
                self._collect(other, asked, found, seen)


def _applies(marker: Marker | None, environment: dict[str, str], extra: str) -> bool:
    if marker is None:
        return not extra
    holds = marker.evaluate({**environment, "extra": extra})
    # A requirement without an extra in its marker belongs to the bare distribution alone.
    return holds and (not extra or not marker.evaluate({**environment, "extra": ""}))


def read_specs(environment: Path) -> list[Spec]:
    """The dependencies of an environment.yml, sorted by name.

    Raises:
        ChannelError: A ``pip:`` section, or a line that isn't a conda spec.
    """
    specs = []
    for line in yaml.safe_load(environment.read_text(encoding="utf-8"))["dependencies"]:
        if not isinstance(line, str):
            raise ChannelError(f"{environment.name} has a pip: section; the local channel holds conda specs only.")
        try:
            name, constraint = split_spec(line)
        except ValueError as error:
            raise ChannelError(f"{environment.name}: {error}") from error
        specs.append(Spec(name, constraint, pypi_name(name)))
    return sorted(specs, key=lambda spec: spec.name)


def requirements(specs: Iterable[Spec], target: Target) -> list[str]:
    """The specs that PyPI can fulfil, as requirements for pip.

    Raises:
        ChannelError: The specs exclude the target's Python, or say what PEP 440 can't.
    """
    lines = []
    for spec in specs:
        try:
            constraint = pip_constraint(spec.constraint)
        except ValueError as error:
            raise ChannelError(str(error)) from error
        if spec.name == "python" and not Requirement(f"python{constraint}").specifier.contains(target.version):
            raise ChannelError(
                f"environment.yml asks for python {spec.constraint}, the interpreter is {target.version}; "
                "name another one in BOOTSTRAP_CHANNEL_PYTHON."
            )
        if spec.project is not None:
            lines.append(f"{spec.project}{constraint}")
    return sorted(set(lines))


def _pip(target: Target, *arguments: str) -> subprocess.CompletedProcess[str]:
    # --python: the target needs no pip of its own (Debian's has none).
    command = [sys.executable, "-m", "pip", "--python", str(target.executable), "--disable-pip-version-check"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip() and " is ignored: " not in line]
    return "\n  ".join(lines[-8:])


def resolve(asked: Sequence[str], target: Target, *, log: Callable[[str], None]) -> Resolution:
    """Let pip choose a version of everything.

    Raises:
        ChannelError: pip finds no solution, or only a CUDA build of torch (other Pythons than 3.11, here).
    """
    torch = any(canonicalize_name(Requirement(line).name) == "torch" for line in asked)
    log(f"pip resolves {len(asked)} requirements for Python {target.version}")
    resolution = _ask_pip([*asked, CPU_TORCH] if torch else asked, target)
    if _is_cpu(resolution):
        return resolution
    log(f"{CPU_TORCH} is a CUDA build here; asking {CPU_INDEX}")
    try:
        # Torch alone from that index, and little patience: many machines can't reach it.
        options = ("--no-deps", "--index-url", CPU_INDEX, "--retries", "0", "--timeout", "15")
        [found] = _ask_pip([f"{CPU_TORCH}+cpu"], target, *options).distributions
        others = [line for line in asked if canonicalize_name(Requirement(line).name) != "torch"]
        return _ask_pip([*others, f"torch @ {found.url}"], target)
    except ChannelError as error:
        raise ChannelError(
            f"For Python {target.short} pip finds only a CUDA build of {CPU_TORCH}: build the channel with Python "
            f"3.11 (BOOTSTRAP_CHANNEL_PYTHON), or give pip an index with CPU wheels of torch.\n  {error}"
        ) from error


def _ask_pip(asked: Sequence[str], target: Target, *options: str) -> Resolution:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        listing = Path(folder, "requirements.txt")
        listing.write_text("\n".join(asked) + "\n", encoding="utf-8")
        done = _pip(
            target, "install", "--dry-run", "--ignore-installed", "--quiet", "--only-binary", "torch",
            "--report", str(report), "-r", str(listing), *options,
        )  # fmt: skip
        if done.returncode != 0:
            raise ChannelError(f"pip can't resolve the requirements for Python {target.short}:\n  {_complaint(done)}")
        return _read_report(json.loads(report.read_bytes()))


def _is_cpu(resolution: Resolution) -> bool:
    return not any(item.project.startswith(("nvidia-", "cuda-", "triton")) for item in resolution.distributions)


def _read_report(report: dict[str, Any]) -> Resolution:
    found = []
    for item in report["install"]:
        hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
        found.append(
            Resolved(
                project=canonicalize_name(item["metadata"]["name"]),
                version=item["metadata"]["version"],
                url=item["download_info"]["url"],
                sha256=hashes.get("sha256", ""),
                metadata=item["metadata"],
            )
        )
    return Resolution(tuple(sorted(found, key=lambda item: item.project)), report["environment"])
