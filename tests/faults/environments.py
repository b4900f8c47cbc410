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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import yaml

from bootstrap.health import check
from bootstrap.lock import read_lock
from bootstrap.prefix.manifest import read_manifest, write_manifest
from bootstrap.prefix.transaction import restore
from tests.support import ROOT
from tests.support.channel import ensure_channel
from tests.support.channel.build import cache_folder
from tests.support.channel.tiny import lock_entry
from tests.support.environment import Environment
from tests.support.once import digest, made_once
from tests.support.whole import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health import Report

HOME = ROOT / ".cache" / "faults"
PACKAGES = ("python", "numpy", "scipy", "pandas", "pip")
_TAKEN = ("numpy-", "pandas-", "scipy-", "pip-", "python_dateutil", "six-", "tzdata-", "pytz-")
OLD = {"1.26": "1.26.4", "2.0": "2.0.2", "2.3": "2.3.4", "2.3-next": "2.3.5"}
"""Versions of numpy that have wheels for the Python that runs the tests."""

HEALTHY = ("2.1.3", "2.2.6")
"""Further versions of numpy, that are only looked at."""
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

    @property
    def environment(self) -> dict[str, str]:
        """This process's variables, the environment's own, and those that confine pip to the wheels at hand."""
        # Repairs take the very wheels that the environments were made from; no index is asked.
        # pip takes this variable for the value of `compile`, so 0 it is.
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels()), "PIP_NO_COMPILE": "0"}
        kept = {} if self.cache is None else {"BOOTSTRAP_CACHE": str(self.cache)}
        # Several trials share the cores; threads that wait for each other take half of a check's time.
        return {**os.environ, "OPENBLAS_NUM_THREADS": "1", **pip, **kept, **self.variables}

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Its variables, in this process."""
        with mock.patch.dict(os.environ, self.environment):
            yield

    def run(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its interpreter, with its variables."""
        command = [self.python, *map(str, arguments)]
        environment = {**self.environment, **variables}
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
        self.link_to(goal)
        if state := read_manifest(goal):  # made there, as far as is seen: what it names is the same
            write_manifest(goal, replace(state, lock={**state.lock, "prefix": str(goal)}))
        return Site(goal, self.lock, self.cache, dict(self.variables))


@functools.cache
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
    key = digest(sorted(record["sha256"] for record in chosen.values()), channel.path, sources("lock", "prefix"))

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


@functools.cache
def pip_site(numpy: str | None = None, *extras: str) -> Site:
    """A virtual environment with pip, numpy (the channel's own unless given) and other wheels."""
    asked = [f"numpy=={numpy}" if numpy else "numpy", *extras]
    if numpy:
        wheel(asked[0])

    def build(home: Path) -> None:
        site = Site(home / "env")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
        with site.active():
            command = [sys.executable, "-m", "pip", "--python", site.python, "install", "-q", "pip", *asked]
            subprocess.run([*map(str, command)], check=True, capture_output=True)
        _compile(site.python)

    key = digest(sys.version, asked, wheels().name)
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
    """The folder of wheels that pip is confined to: the channel's own, and what `wheel` adds."""
    ensure_channel()
    every = sorted((cache_folder() / "wheels").glob("*.whl"))
    taken = [path for path in every if path.name.lower().startswith(_TAKEN)]

    def build(folder: Path) -> None:
        for path in taken:
            (folder / path.name).symlink_to(path)

    return made_once(HOME, "wheels", digest(sys.version, taken), build)


@functools.cache
def wheel(requirement: str) -> Path:
    """The wheel of a requirement, from now on among those that pip is confined to."""
    name = digest(sys.version, requirement)
    (found,) = made_once(HOME, "wheel", name, lambda folder: fetch(requirement, folder)).glob("*.whl")
    with contextlib.suppress(FileExistsError):
        (wheels() / found.name).symlink_to(found)
    return wheels() / found.name


@functools.cache
def foreign_wheel(requirement: str, python: str) -> Path:
    """The wheel of a requirement for another version of Python; pip gets none but that for its own."""
    wheel(requirement)

    def build(folder: Path) -> None:
        fetch(requirement, folder, "--python-version", python)

    return next(made_once(HOME, "foreign-wheel", digest(requirement, python), build).glob("*.whl"))


def fetch(requirement: str, folder: Path, *options: str) -> None:
    """Downloads one wheel."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "-d", folder, *options, requirement], check=True, capture_output=True)
