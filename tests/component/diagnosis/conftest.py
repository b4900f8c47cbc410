"""An environment that real pip and uv are asked about: made once, and kept below ``.cache``.

No network after numpy's wheels were fetched once.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.component.diagnosis.home import Home
from tests.support import ROOT, link_or_copy, numpy_sets, wheels
from tests.support.once import digest, made_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CACHE = ROOT / ".cache" / "diagnosis"


@pytest.fixture(scope="session")
def numpy_wheels() -> Path:
    """Real wheels of three numpys for this Python."""

    def build(folder: Path) -> None:
        for version in numpy_sets.NUMPYS:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
            command += ["-d", str(folder), f"numpy=={version}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"no wheel of numpy {version} for this Python: {done.stderr.splitlines()[-1:]}")

    return made_once(CACHE, "numpy", digest(sys.version, *numpy_sets.NUMPYS), build)


@pytest.fixture(scope="session")
def home(numpy_wheels: Path) -> Home:
    """An environment with numpy 2.0.2 and what stands on it, and its index. No test may change them."""

    def build(folder: Path) -> None:
        found = Home(folder / "env/bin/python", folder / "index")
        found.index.mkdir()
        for wheel in numpy_wheels.iterdir():
            link_or_copy(wheel, found.index / wheel.name)
        for package in numpy_sets.PACKAGES:
            package.write(found.index)
        subprocess.run([sys.executable, "-m", "venv", found.root], check=True)
        found.install(*numpy_sets.ENVIRONMENT)
        # Whatever happens in a test happened long after this.
        old = time.time() - 3600
        for path in found.root.glob("lib/*/site-packages/*.dist-info/*"):
            os.utime(path, (old, old))

    made_of = (sys.version, numpy_wheels, numpy_sets.PACKAGES, numpy_sets.ENVIRONMENT, inspect.getsource(wheels))
    place = made_once(CACHE, "home", digest(*made_of, inspect.getsource(build)), build)
    return Home(place / "env/bin/python", place / "index")


@pytest.fixture(scope="package", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Metadata kept by earlier runs decides no test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOTSTRAP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
