"""Whatever stands in a file, its reader ends with what it read or an error of its own; tests/soak has more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bootstrap.diagnosis import requirements
from tests.support import odd_inputs, readers

few = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def unreachable(url: str) -> bytes:
        raise OSError(f"{url}: there is no network here")

    monkeypatch.setattr(requirements, "_fetched", unreachable)
    return tmp_path / "input"


@few
@given(odd_inputs.CELLS)
def test_cells(cells: list[str]) -> None:
    readers.read_any_cells(cells)


@few
@given(odd_inputs.NOTEBOOKS)
def test_notebooks(path: Path, data: bytes) -> None:
    readers.read_any_notebook(path, data)


@few
@given(odd_inputs.REQUIREMENTS)
def test_requirements(path: Path, data: bytes) -> None:
    readers.read_any_requirements(path, data)


@few
@given(odd_inputs.SPECIFICATIONS)
def test_specifications(path: Path, data: bytes) -> None:
    readers.read_any_specification(path, data)
