"""Every reader of what somebody else wrote, called so that only errors of its own get through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.diagnosis.notebook import notebook_cells, read_cells
from bootstrap.diagnosis.requirements import needs_build, read_file
from bootstrap.errors import BootstrapError
from bootstrap.maintain.specification import read_specification

if TYPE_CHECKING:
    from pathlib import Path


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
