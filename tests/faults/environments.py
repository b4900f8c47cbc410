"""Healthy environments, made once and kept in .cache/, and copies of them to damage.

A conda prefix restored by the real engine from a lock of the local channel, and virtual environments with wheels.
Copies share their files with the original by hard links: a file is replaced, never written to.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bootstrap.integrity import check
from bootstrap.lock import read_lock
from bootstrap.prefix import restore
from tests.support import ROOT
from tests.support.channel import ensure_channel
from tests.support.channel.build import cache_folder
from tests.support.channel.tiny import lock_entry
from tests.support.once import digest, made_once
from tests.unit.integrity.conftest import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.integrity import Report

HOME = ROOT / ".cache" / "faults"
PACKAGES = ("python", "numpy", "scipy", "pandas", "pip")
_TAKEN = ("numpy-", "pandas-", "scipy-", "pip-", "python_dateutil", "six-", "tzdata-")
OLD = {"1.26": "1.26.4", "2.0": "2.0.2", "2.3": "2.3.4", "2.3-next": "2.3.5"}
"""Versions of numpy that have wheels for the Python that runs the tests."""

HEALTHY = ("2.1.3", "2.2.6")
"""Further versions of numpy, that are only looked at."""
_FETCHED = (
    *(f"numpy=={version}" for version in (*OLD.values(), *HEALTHY)),
    *("pandas==2.2.1", "bottleneck==1.3.8", "captum==0.8.0", "pytz"),
)
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OTHER_PYTHONS = tuple(v for v in _PYTHONS if v != f"{sys.version_info[0]}.{sys.version_info[1]}")


@dataclass(frozen=True)
class Site(Environment):
    """An environment, with what is needed to check and to mend it."""

    lock: Path | None = None
    cache: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """Set while it is examined; a fault may add to them."""

    @property
    def conda(self) -> bool:
        """Whether it is a conda prefix."""
        return self.lock is not None

    def examine(self, *imports: str, full: bool = False, timeout: float = 60.0) -> Report:
        """Checks it from outside, under its variables."""
        with self.active():
            return check(
                self.root if self.conda else None,
                python=self.python,
                lock=read_lock(self.lock) if self.lock else None,
                imports=imports,
                full=full,
                timeout=timeout,
            )

    @property
    def folder(self) -> Path:
        """Where a notebook would stand: beside the environment."""
        return self.root.parent

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """The variables of the environment, and pip's, in this process."""
        before = dict(os.environ)
        # Repairs take the very wheels that the environments were made from; no index is asked.
        own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels()), "PIP_NO_COMPILE": "1"}
        os.environ.update(own | self.variables)
        if self.cache is not None:
            os.environ["BOOTSTRAP_CACHE"] = str(self.cache)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def run(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its interpreter, with pip confined to the wheels at hand."""
        with self.active():
            environment = {**os.environ, **variables}
            command = [self.python, *map(str, arguments)]
            return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")

    def pip(self, *arguments: str) -> None:
        """Runs pip in it.

        Raises:
            RuntimeError: pip failed.
        """
        done = self.run("-m", "pip", "--disable-pip-version-check", *arguments)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def copy(self, goal: Path) -> Site:
        """A copy to damage, which shares its files with this one."""
        subprocess.run(["cp", "-al", self.root, goal], check=True)
        return Site(goal, self.lock, self.cache, dict(self.variables))


def conda_site() -> Site:
    """The conda prefix: python, numpy, scipy, pandas and pip from the local channel, by the real engine."""
    channel = ensure_channel()
    records = {record["name"]: record for record in channel.records()}
    chosen: dict[str, dict] = {}
    waiting = list(PACKAGES)
    while waiting:
        name = waiting.pop()
        if name not in chosen and not name.startswith("__"):
            chosen[name] = records[name]
            waiting += [spec.split()[0] for spec in records[name]["depends"]]
    key = digest(sorted(record["sha256"] for record in chosen.values()), channel.path)

    def build(home: Path) -> None:
        base = channel.file_url.rstrip("/")
        entries = [lock_entry(chosen[name], base, "linux-64") for name in sorted(chosen)]
        metadata = {
            "content_hash": {"linux-64": key * 5},
            "channels": [{"url": base, "used_env_vars": []}],
            "platforms": ["linux-64"],
            "sources": ["environment.yml"],
        }
        lock = {"version": 1, "metadata": metadata, "package": entries}
        (home / "conda-lock.yml").write_text(yaml.safe_dump(lock, sort_keys=False))
        restore(read_lock(home / "conda-lock.yml"), home / "env", cache=home / "cache")
        _compile(home / "env" / "bin" / "python")

    home = made_once(HOME, "conda", key, build)
    return Site(home / "env", home / "conda-lock.yml", home / "cache")


def pip_site(numpy: str | None = None, *extras: str) -> Site:
    """A virtual environment with pip, numpy (the channel's own unless given) and other wheels."""
    asked = [f"numpy=={numpy}" if numpy else "numpy", *extras]

    def build(home: Path) -> None:
        site = Site(home / "env")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
        with site.active():
            command = [sys.executable, "-m", "pip", "--python", site.python, "install", "-q", "pip", *asked]
            subprocess.run([*map(str, command)], check=True, capture_output=True)
        _compile(site.python)

    key = digest(sys.version, asked, sorted(path.name for path in wheels().glob("*.whl")))
    return Site(made_once(HOME, "pip", key, build) / "env")


def _compile(python: Path) -> None:
    """Bytecode, as a first use leaves it: otherwise each copy would pay for it."""
    program = (
        "import numpy.testing, numpy.f2py, importlib.util as u\n"
        "for m in 'scipy.linalg', 'pandas', 'pip._internal.cli.main':\n"
        " if u.find_spec(m.split('.')[0]): __import__(m)"
    )
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([python, "-c", program], check=True, capture_output=True, cwd="/", env=variables)


@functools.cache
def wheels() -> Path:
    """The folder of wheels that pip is confined to: the channel's own, and other versions of numpy."""
    ensure_channel()
    every = sorted((cache_folder() / "wheels").glob("*.whl"))
    taken = [wheel for wheel in every if wheel.name.lower().startswith(_TAKEN)]
    key = digest(sys.version, taken, _FETCHED, OTHER_PYTHONS)
    return made_once(HOME, "wheels", key, lambda folder: _fetch(folder, taken))


def _fetch(folder: Path, taken: list[Path]) -> None:
    for wheel in taken:
        os.symlink(wheel, folder / wheel.name)
    for requirement in _FETCHED:
        fetch(requirement, folder)
    for other in OTHER_PYTHONS:
        fetch("numpy==2.2.6", folder / other, "--python-version", other)


def fetch(requirement: str, folder: Path, *options: str) -> None:
    """Downloads one wheel."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        "-d",
        folder,
        *options,
    ]
    subprocess.run([*map(str, command), requirement], check=True, capture_output=True)


def wheel(pattern: str) -> Path:
    """One of the fetched wheels."""
    (found,) = wheels().glob(pattern)
    return found
