"""Every reader of what somebody else wrote, called so that only errors of its own get through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from bootstrap.diagnosis import requirements
from bootstrap.diagnosis.notebook import notebook_cells, read_cells
from bootstrap.diagnosis.requirements import needs_build, read_file
from bootstrap.errors import BootstrapError
from bootstrap.maintain.specification import read_specification
from tests.support import odd_inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis import settings

_LIMITS = ("(CodeTooLong)", "(ScriptTooLong)", "(RecursionError)", "(MemoryError)")


def read_any_cells(cells: list[str]) -> None:
    """Reads cells as `diagnose` does; every fault must become an event."""
    for event in read_cells(enumerate(cells, 1)):
        assert "can't be followed" not in event.text or event.text.endswith(_LIMITS), event.text


def read_any_notebook(path: Path, data: bytes) -> None:
    """Reads a notebook's file."""
    path.write_bytes(data)
    try:
        read_cells(notebook_cells(path))
    except BootstrapError as error:
        error.to_dict()


def read_any_requirements(path: Path, data: bytes) -> None:
    """Reads a requirements file."""
    path.write_bytes(data)
    try:
        for requirement in read_file(path).requirements:
            needs_build(requirement, path.parent)
    except BootstrapError as error:
        error.to_dict()


def read_any_specification(path: Path, data: bytes) -> None:
    """Reads an environment.yml."""
    path.write_bytes(data)
    try:
        read_specification(path)
    except BootstrapError as error:
        error.to_dict()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an input is written; addresses in it lead nowhere."""

    def unreachable(url: str, **_: object) -> tuple[bytes, dict[str, str]]:
        raise OSError(f"{url}: there is no network here")

    monkeypatch.setattr(requirements, "fetch", unreachable)
    return tmp_path / "input"


def as_tests(how: settings) -> list[Callable[..., Any]]:
    """Tests of the four readers: cells, notebooks, requirements files, specifications."""
    readers = {
        read_any_cells: odd_inputs.CELLS,
        read_any_notebook: odd_inputs.NOTEBOOKS,
        read_any_requirements: odd_inputs.REQUIREMENTS,
        read_any_specification: odd_inputs.SPECIFICATIONS,
    }
    return [how(given(strategy)(read)) for read, strategy in readers.items()]
