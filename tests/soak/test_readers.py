"""What stands in foreign files, many times over; tests/unit/diagnosis/test_any_input.py has some of each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bootstrap.diagnosis import requirements
from tests.support import odd_inputs, readers

pytestmark = pytest.mark.exhaustive
many = settings(
    max_examples=int(os.environ.get("BOOTSTRAP_SOAK_INPUTS", "4000")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def unreachable(url: str) -> bytes:
        raise OSError(f"{url}: there is no network here")

    monkeypatch.setattr(requirements, "_fetched", unreachable)
    return tmp_path / "input"


@many
@given(odd_inputs.CELLS)
def test_cells(cells: list[str]) -> None:
    readers.read_any_cells(cells)


@many
@given(odd_inputs.NOTEBOOKS)
def test_notebooks(path: Path, data: bytes) -> None:
    readers.read_any_notebook(path, data)


@many
@given(odd_inputs.REQUIREMENTS)
def test_requirements(path: Path, data: bytes) -> None:
    readers.read_any_requirements(path, data)


@many
@given(odd_inputs.SPECIFICATIONS)
def test_specifications(path: Path, data: bytes) -> None:
    readers.read_any_specification(path, data)
