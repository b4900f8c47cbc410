from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.project import Project, make_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return make_project(tmp_path, capsys)
