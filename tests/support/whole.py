"""The whole environment: the committed specification locked, and restored, once for all tests that look at it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bootstrap.lock import read_lock
from bootstrap.prefix.transaction import restore
from tests.support import ROOT
from tests.support.channel import LocalChannel, ensure_channel
from tests.support.once import digest, made_once
from tests.support.reach import conda_forge_answers

if TYPE_CHECKING:
    from collections.abc import Collection

    from bootstrap.lock import Lock

CACHE = ROOT / ".cache/environment"


@dataclass(frozen=True)
class Environment:
    """A restored environment. Tests must not change it; they restore one of their own from its cache, offline."""

    prefix: Path
    cache: Path
    lock: Lock

    @property
    def python(self) -> Path:
        return self.prefix / "bin/python"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """The environment's own Python, isolated."""
        return subprocess.run([self.python, "-I", *arguments], capture_output=True, text=True, check=False)


def sources(*packages: str) -> str:
    """What the product's code in these packages is, for the key of what it makes."""
    files = (file for name in packages for file in sorted((ROOT / "bootstrap" / name).rglob("*.py")))
    return digest(*(file.read_text(encoding="utf-8") for file in files))


def local_lock() -> Path:
    """environment.yml, locked against the local channel by the real conda-lock."""
    channel = ensure_channel(quiet=False)
    inputs = [path.read_text(encoding="utf-8") for path in (ROOT / "environment.yml", ROOT / "virtual-packages.yml")]

    def build(folder: Path) -> None:
        _lock(ROOT / "environment.yml", channel, folder)

    key = digest(channel.path, *inputs, sources("maintain", "lock"))
    return made_once(CACHE, "lock", key, build) / "conda-lock.yml"


def part_lock(names: Collection[str], python: Path) -> tuple[LocalChannel, Path]:
    """Some packages of environment.yml for another Python than the local channel's: a channel and its lock."""
    specification = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    specification["dependencies"] = [
        line for line in specification["dependencies"] if line.split()[0] in {"python", *names}
    ]
    virtual = (ROOT / "virtual-packages.yml").read_text(encoding="utf-8")

    def specify(folder: Path) -> None:
        (folder / "environment.yml").write_text(yaml.safe_dump(specification), encoding="utf-8")
        (folder / "virtual-packages.yml").write_text(virtual, encoding="utf-8")

    file = made_once(CACHE, "specification", digest(specification, virtual), specify) / "environment.yml"
    channel = ensure_channel(file, python=python, quiet=False)
    key = digest(channel.path, specification, virtual, sources("maintain", "lock"))
    return channel, made_once(CACHE, "part", key, lambda folder: _lock(file, channel, folder)) / "conda-lock.yml"


def _lock(specification: Path, channel: LocalChannel, folder: Path) -> None:
    command = [sys.executable, "-m", "bootstrap", "lock", "--variant", "cpu", "--channel", channel.file_url]
    subprocess.run([*command, "--file", specification, "--output", folder, "--quiet"], cwd=ROOT, check=True)


def whole_environment() -> Environment:
    """The committed lock restored where conda-forge answers, else the one for the local channel."""
    lock = read_lock(ROOT / "conda-lock.yml" if conda_forge_answers() else local_lock())
    key = digest(lock.path.read_text(encoding="utf-8"), sources("lock", "prefix"))
    folder = made_once(CACHE, "restored", key, lambda at: restore(lock, at / "env", cache=at / "cache") and None)
    return Environment(folder / "env", folder / "cache", lock)
