from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import SpecificationError
from bootstrap.maintain.specification import read_specification
from tests.support.project import EXPORTED, ROOT

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "channels: [conda-forge]\nplatforms: [linux-64]\n"


def read(tmp_path: Path, text: str):
    path = tmp_path / "environment.yml"
    path.write_text(text)
    return read_specification(path)


def test_the_committed_specification() -> None:
    found = read_specification(ROOT / "environment.yml")
    assert found.channels == ("conda-forge",)
    assert found.platforms == ("linux-64",)
    assert {"python", "numpy", "pytorch", "pytorch-lightning", "datasets", "optuna", "conda"} <= set(found.names)
    assert len(set(found.names)) == len(found.names)


@pytest.mark.parametrize(
    ("text", "name", "spec"),
    [
        ("numpy", "numpy", ""),
        ("numpy >=2.0,<3", "numpy", ">=2.0,<3"),
        ("numpy>=2", "numpy", ">=2"),
        ("numpy=2.3", "numpy", "=2.3"),
        ("numpy 2.3.* *_mkl", "numpy", "2.3.* *_mkl"),
        ("conda-forge::NumPy >=2", "numpy", ">=2"),
        ("ruamel.yaml", "ruamel.yaml", ""),
        ("_openmp_mutex", "_openmp_mutex", ""),
    ],
)
def test_names_and_bounds(tmp_path: Path, text: str, name: str, spec: str) -> None:
    (found,) = read(tmp_path, f"{HEAD}dependencies:\n  - {text}\n").requirements
    assert (found.name, found.spec) == (name, spec)


def test_as_conda_writes_it(tmp_path: Path) -> None:
    """``conda env export`` names no platforms, but the builds, and where the environment lies."""
    found = read(tmp_path, EXPORTED)
    assert (found.channels, found.platforms) == (("conda-forge",), ("linux-64",))
    assert [(one.name, one.version) for one in found.requirements] == [
        ("numpy", "=2.3.4"),
        ("python", "=3.12.1"),
        ("tqdm", ">=4"),
    ]
    assert str(found.requirements[0]) == "numpy =2.3.4=h0_0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [", "YAML"),
        ("- a", "mapping"),
        ("platforms: [linux-64]\ndependencies: [numpy]", "channels"),
        ("channels: [conda-forge]\nplatforms: linux-64\ndependencies: [numpy]", "platforms"),
        (HEAD, "dependencies"),
        (f"{HEAD}dependencies: []", "dependencies"),
        (f"{HEAD}dependencies:\n  - pip\n  - pip:\n    - numpy", "pip: section"),
        (f"{HEAD}dependencies:\n  - 3", "without a package name"),
        (f"{HEAD}dependencies:\n  - '>=3'", "without a package name"),
        (f"{HEAD}dependencies:\n  - numpy  # [linux64]", "selectors"),
        ("channels: [1]\nplatforms: [linux-64]\ndependencies: [numpy]", "names"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message
    assert "environment.yml" in "\n".join(caught.value.evidence)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError):
        read_specification(tmp_path / "environment.yml")
