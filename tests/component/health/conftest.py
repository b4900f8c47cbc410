"""A real environment, and cheap copies of it to damage."""

from __future__ import annotations

import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest

from tests.faults.environments import HOME, fetch
from tests.faults.registry import compiled as compile_library
from tests.support.channel import ensure_channel
from tests.support.channel.build import cache_folder
from tests.support.environment import Environment
from tests.support.once import digest, made_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGES = ("numpy", "pandas", "scipy", "pyarrow")


@pytest.fixture(scope="session")
def pristine() -> Environment:
    """numpy, pandas, scipy and pyarrow as pip installs them. Nobody writes here."""

    def build(home: Path) -> None:
        venv.create(home / "env", with_pip=False, symlinks=True)
        # From the wheels that the channel is made of: they are here, and pip reads no index.
        ensure_channel()
        pip = [sys.executable, "-m", "pip", "--python", str(Environment(home / "env").python), "install", "-q"]
        there = ["--no-index", "--find-links", cache_folder() / "wheels"]
        subprocess.run([*pip, *there, *PACKAGES], check=True, capture_output=True)

    return Environment(made_once(HOME, "installed", digest(sys.version, PACKAGES, "channel"), build) / "env")


@pytest.fixture
def env(pristine: Environment, tmp_path: Path) -> Environment:
    """A copy to damage."""
    copy = Environment(tmp_path / "env")
    pristine.link_to(copy.root)
    return copy


@pytest.fixture(scope="session")
def wheel() -> Callable[[str], Path]:
    """Fetches one wheel for a requirement; skips the test where this Python has none."""

    def get(requirement: str) -> Path:
        name = digest(sys.version, requirement)
        try:
            return next(made_once(HOME, "wheel", name, lambda folder: fetch(requirement, folder)).glob("*.whl"))
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode().strip().splitlines()[-1:]
            pytest.skip(f"no wheel of {requirement} for this Python: {said}")

    return get


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], Path]:
    """Compiles C source into a shared library; skips the test where there is no compiler."""
    return lambda source: compile_library(tmp_path, source)
