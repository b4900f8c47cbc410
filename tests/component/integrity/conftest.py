"""A real environment, and cheap copies of it to damage."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest

from tests.faults.environments import fetch, held, key
from tests.faults.registry import compiled as compile_library
from tests.support.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGES = ("numpy", "pandas", "scipy", "pyarrow")


@pytest.fixture(scope="session")
def pristine() -> Environment:
    """numpy, pandas, scipy and pyarrow as pip installs them. Nobody writes here."""
    with held(f"component-{key(sys.version, PACKAGES)}") as home:
        environment = Environment(home / "env")
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            venv.create(environment.root, with_pip=False, symlinks=True)
            pip = [sys.executable, "-m", "pip", "--python", str(environment.python)]
            subprocess.run([*pip, "install", "-q", "--only-binary=:all:", *PACKAGES], check=True, capture_output=True)
            (home / "complete").touch()
    return environment


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
        with held(f"wheel-{key(sys.version, requirement)}") as home:
            if not list(home.glob("*.whl")):
                try:
                    fetch(requirement, home)
                except subprocess.CalledProcessError as error:
                    said = error.stderr.decode().strip().splitlines()[-1:]
                    pytest.skip(f"no wheel of {requirement} for this Python: {said}")
            return next(home.glob("*.whl"))

    return get


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], Path]:
    """Compiles C source into a shared library; skips the test where there is no compiler."""
    return lambda source: compile_library(tmp_path, source)
