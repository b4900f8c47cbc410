"""The real environment, made once a session: the committed specification, locked and restored."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.lock import read_lock
from bootstrap.prefix import Restored, restore
from tests.support import ROOT
from tests.support.channel import ensure_channel, serve
from tests.support.reach import conda_forge_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.lock import Lock


@dataclass(frozen=True)
class Environment:
    """A restored environment and how it came to be."""

    prefix: Path
    cache: Path
    lock: Lock
    restored: Restored

    @property
    def python(self) -> Path:
        return self.prefix / "bin/python"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """The environment's own Python, isolated."""
        return subprocess.run([self.python, "-I", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The lock to restore: the committed one where conda-forge answers, else one for the local channel."""
    if conda_forge_answers():
        print("conda-forge answers: tests restore the committed lock from it", file=sys.stderr)
        yield ROOT / "conda-lock.yml"
        return
    print("conda-forge can't be reached: tests use the local channel made from PyPI wheels", file=sys.stderr)
    folder = tmp_path_factory.mktemp("lock")
    with serve(ensure_channel(quiet=False).path) as server:
        command = [sys.executable, "-m", "bootstrap", "lock", "--variant", "cpu", "--channel", server.url]
        done = subprocess.run(
            [*command, "--output", folder, "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        yield folder / "conda-lock.yml"


@pytest.fixture(scope="session")
def environment(locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The real environment. Tests must not change it; `copy_of` gives one that may be changed."""
    home = tmp_path_factory.mktemp("real")
    lock = read_lock(locked)
    restored = restore(lock, home / "env", cache=home / "cache")
    yield Environment(home / "env", home / "cache", lock, restored)
    # Gigabytes, which pytest would keep for three sessions.
    subprocess.run(["rm", "-rf", home], check=False)


@pytest.fixture(scope="session", autouse=True)
def _no_network_caches() -> None:
    """Nothing of a user's own Hugging Face set-up may decide a test."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
