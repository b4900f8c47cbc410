"""A real environment with a real numpy, and an index of tiny packages beside real numpy wheels. No network after
the wheels were fetched once; those are kept below ``.cache``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis import ask_requirements
from bootstrap.progress import Silent
from tests.support import ROOT, wheels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.diagnosis import Diagnosis

VERSIONS = ("1.26.4", "2.0.2", "2.3.4")
INSTALLED = "2.0.2"


@contextmanager
def beside(goal: Path) -> Iterator[Path]:
    """A folder that takes its place only when it is complete."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    place = goal.with_name(f".{goal.name}.{os.getpid()}")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        yield place
        if not goal.is_dir():
            place.rename(goal)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def numpy_wheels() -> Path:
    """Real wheels of three numpys for this Python."""
    tag = f"{sys.version_info.major}{sys.version_info.minor}-{'-'.join(VERSIONS)}"
    goal = ROOT / ".cache" / f"diagnosis-numpy-{tag}"
    if not goal.is_dir():
        with beside(goal) as place:
            for version in VERSIONS:
                command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
                done = subprocess.run(
                    [*command, "-d", place, f"numpy=={version}"], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    pytest.skip(f"no wheel of numpy {version} for this Python: {done.stderr.splitlines()[-1:]}")
    return goal


@pytest.fixture(scope="session")
def index(numpy_wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: the three numpys, and tiny packages made to be guilty or innocent."""
    place = tmp_path_factory.mktemp("index")
    for wheel in numpy_wheels.iterdir():
        os.link(wheel, place / wheel.name) if wheel.stat().st_dev == place.stat().st_dev else shutil.copy(
            wheel, place
        )
    make = wheels.make_wheel
    uses = "import numpy\nimport numpy.rec, numpy.char\nfrom numpy.ma import masked\n"
    make(place, "stands-on", "1.0", ["numpy>=1.26"], code=uses)
    # alone
    make(place, "alone", "1.0", ["numpy<2.0"], code=uses)
    make(place, "newer", "1.0", ["numpy>=2.3"])
    # a pair: the newest that each admits spares numpy, the newest that both admit doesn't
    make(place, "left", "1.0", ["shared!=3.0"])
    make(place, "right", "1.0", ["shared<4"])
    for version, needs in (("4.0", "numpy"), ("3.0", "numpy"), ("2.0", "numpy<2.0")):
        make(place, "shared", version, [needs])
    # three: any two admit one that spares numpy, all three don't
    make(place, "one", "1.0", ["threefold!=2.0"])
    make(place, "two", "1.0", ["threefold!=3.0"])
    make(place, "three", "1.0", ["threefold!=4.0"])
    for version, needs in (("4.0", "numpy"), ("3.0", "numpy"), ("2.0", "numpy"), ("1.0", "numpy<2.0")):
        make(place, "threefold", version, [needs])
    # a deep path, an extra, a source archive, a downgrade of another package that brings numpy along
    make(place, "deep", "1.0", ["deeper>=1"])
    make(place, "deeper", "1.5", ["deepest"])
    make(place, "deepest", "0.9", ["numpy<2.0"])
    make(place, "extra", "1.0", ["numpy"], extras={"old": ["numpy<2.0"]})
    wheels.make_sdist(place, "from-source", "1.0", ["numpy<2.0"])
    make(place, "present", "2.0", ["numpy>=2.0"])
    make(place, "present", "1.0", ["numpy<2.0"])
    make(place, "downgrades", "1.0", ["present<2"])
    # innocent
    make(place, "innocent", "1.0", ["numpy>=1.26", "stands-on"])
    make(place, "plain", "1.0")
    make(place, "breaks-another", "1.0", ["companion<2"])
    make(place, "companion", "2.0")
    make(place, "companion", "1.0")
    make(place, "needs-companion", "1.0", ["companion>=2", "numpy"])
    make(place, "conflicts", "1.0", ["companion==1.0"])
    make(place, "impossible", "1.0", ["nowhere-to-be-found"])
    return place


@dataclass(frozen=True)
class Home:
    """An environment and the index that it installs from."""

    python: Path
    index: Path

    @property
    def options(self) -> tuple[str, ...]:
        return ("--no-index", "--find-links", str(self.index))

    def pip(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), "-m", "pip", *map(str, arguments)]
        environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def install(self, *arguments: object) -> None:
        done = self.pip("install", "--quiet", *self.options, *arguments)
        assert done.returncode == 0, done.stderr

    def ask(self, source: Path | Sequence[str], **options: object) -> Diagnosis:
        """Asks with pip alone, of the tiny index alone."""
        given = {"resolver": "pip", "progress": Silent(), **options}
        given["options"] = (*self.options, *given.get("options", ()))
        return ask_requirements(source, python=self.python, **given)


@pytest.fixture(scope="session")
def home(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An environment with numpy 2.0.2 and what stands on it. No test may change it."""
    place = tmp_path_factory.mktemp("home") / "env"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    found = Home(place / "bin/python", index)
    found.install(f"numpy=={INSTALLED}", "stands-on", "present==2.0", "needs-companion")
    return found


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Metadata kept by earlier runs decides no test."""
    before = os.environ.get("BOOTSTRAP_CACHE")
    os.environ["BOOTSTRAP_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("BOOTSTRAP_CACHE")
    if before is not None:
        os.environ["BOOTSTRAP_CACHE"] = before
