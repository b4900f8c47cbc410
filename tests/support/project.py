"""A small project to lock: a channel of repodata alone, a specification, and the command line over both."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.cli import parser
from bootstrap.errors import BootstrapError
from bootstrap.lock.reader import read_lock
from tests.support import ROOT
from tests.support.conda_lock_once import write_conda_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bootstrap.lock.model import Lock, Record

DAY = 86_400_000
EPOCH_2026 = 1_767_225_600_000
"""Milliseconds from 1970 to 2026-01-01."""


def package(
    name: str,
    version: str = "1.0",
    *depends: str,
    build: str = "h0_0",
    subdir: str = "noarch",
    day: int = 0,
    constrains: Sequence[str] = (),
    size: int | None = 1000,
) -> dict[str, Any]:
    """A repodata record; its hashes come from its name, version and build. `day` counts from 2026-01-01."""
    identity = f"{name}-{version}-{build}".encode()
    record: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": int(build.rsplit("_", 1)[-1]),
        "depends": list(depends),
        "constrains": list(constrains),
        "subdir": subdir,
        "md5": hashlib.md5(identity).hexdigest(),
        "sha256": hashlib.sha256(identity).hexdigest(),
        "timestamp": EPOCH_2026 + day * DAY,
    }
    if subdir == "noarch":
        record["noarch"] = "generic"
    if size is not None:
        record["size"] = size
    return record


def write_channel(folder: Path, packages: Iterable[dict[str, Any]]) -> Path:
    """Writes repodata for a channel, in place of what was there."""
    packages = list(packages)
    for subdir in ("noarch", "linux-64"):
        entries = {f"{p['name']}-{p['version']}-{p['build']}.conda": p for p in packages if p["subdir"] == subdir}
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": entries, "repodata_version": 1}
        (folder / subdir / "repodata.json").write_text(json.dumps(repodata))
    return folder


PACKAGES = (
    package("python", "3.12.1", subdir="linux-64"),
    package("python", "3.13.0", subdir="linux-64", day=100),
    package("libblas", "3.9", subdir="linux-64"),
    package("libblas", "3.11", subdir="linux-64", day=100),
    package("numpy", "2.0.2", "python", "libblas >=3.9", "__glibc >=2.17", subdir="linux-64"),
    package("numpy", "2.3.4", "python", "libblas >=3.9", "__glibc >=2.17", subdir="linux-64", day=100),
    package("tqdm", "4.66", "colorama", "python"),
    package("tqdm", "4.70", "python", day=100),
    package("colorama", "0.4"),
    package("pytorch", "2.12.0", "numpy >=2,<3", build="cpu_mkl_h0_100", subdir="linux-64"),
    package("pytorch", "2.12.0", "numpy >=2,<3", "cuda-version", "__cuda", build="cuda129_h0_300", subdir="linux-64"),
    package("cuda-version", "12.9"),
)

ENVIRONMENT = """\
channels: [{channel}]
platforms: [linux-64]
dependencies:
{dependencies}
"""
EXPORTED = """\
name: work
channels:
  - conda-forge
  - nodefaults
dependencies:
  - numpy=2.3.4=h0_0
  - python=3.12.1=h0_0
  - conda-forge::tqdm>=4
prefix: /home/somebody/miniforge3/envs/work
"""
"""As `conda env export` writes it."""
CPU = ("--variant", "cpu")
DEPENDENCIES = ("python >=3.12", "numpy >=2.0,<3", "pytorch", "tqdm")


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str
    error: BootstrapError | None


@dataclass(frozen=True)
class Project:
    """A folder with a specification and its channel."""

    root: Path
    capture: Any

    @property
    def channel(self) -> Path:
        return self.root / "channel"

    @property
    def url(self) -> str:
        return f"file://{self.channel}"

    @property
    def specification(self) -> Path:
        return self.root / "environment.yml"

    def lock_path(self, name: str = "conda-lock.yml") -> Path:
        return self.root / name

    def lock(self, name: str = "conda-lock.yml") -> Lock:
        return read_lock(self.lock_path(name))

    def records(self, name: str = "conda-lock.yml") -> dict[str, Record]:
        return {r.name: r for r in self.lock(name).records}

    def versions(self, name: str = "conda-lock.yml") -> dict[str, str]:
        return {r.name: r.version for r in self.lock(name).records}

    def specify(self, *dependencies: str, channel: str = "conda-forge") -> None:
        lines = "\n".join(f"  - {d}" for d in dependencies)
        self.specification.write_text(ENVIRONMENT.format(channel=channel, dependencies=lines))

    def offer(self, *packages: dict[str, Any]) -> None:
        write_channel(self.channel, packages)

    def run(self, *arguments: str) -> Result:
        """Runs a command in this process, as the command line does."""
        self.capture.readouterr()
        error = None
        try:
            args = parser("lock").parse_args(arguments)
            code = args.run(args)
        except BootstrapError as raised:
            code, error = raised.exit_code, raised
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = self.capture.readouterr()
        if error:
            err += "\n".join([error.message, *error.evidence])
        return Result(code, out, err, error)

    def relock(self, *arguments: str, json: bool = False) -> Result:
        """`bootstrap lock` with this project's repodata, by a conda-lock that runs once for each input."""
        if "--conda-lock" not in arguments:
            once = write_conda_lock(self.root / "conda-lock-once", self.root)
            arguments = ("--conda-lock", str(once), *arguments)
        options = ["--json"] if json else []
        asked = ("lock", "--file", str(self.specification), "--repodata", str(self.channel))
        return self.run(*asked, *options, *arguments)

    def check(self, *arguments: str) -> Result:
        """`bootstrap lock --check`."""
        return self.run("lock", "--check", "--file", str(self.specification), *arguments)


def make_project(root: Path, capture: Any) -> Project:
    """A project that can be locked for both variants."""
    project = Project(root, capture)
    project.specify(*DEPENDENCIES)
    project.offer(*PACKAGES)
    for name in ("virtual-packages.yml", "virtual-packages-cuda.yml"):
        shutil.copy(ROOT / name, root / name)
    return project


def leftovers(project: Project) -> list[str]:
    """What a refresh should have cleaned up beside its locks."""
    return [p.name for p in project.root.iterdir() if p.name.startswith(".")]


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before, "the edit changed nothing"
    path.write_text(after)


def entry(text: str, name: str) -> str:
    """The text of a record's entry in a lock."""
    found = re.search(rf"^- name: {re.escape(name)}\n(?:[ ].*\n)+", text, re.MULTILINE)
    assert found
    return found[0]
