from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.project import CPU, Project, make_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return make_project(tmp_path, capsys)


@pytest.fixture
def before(project: Project) -> bytes:
    """The project holds its lock as of a day before the newer packages."""
    assert project.relock(*CPU, "--exclude-newer", "2026-02-01").error is None
    return project.lock_path().read_bytes()
