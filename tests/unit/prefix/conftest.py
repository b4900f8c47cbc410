from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix import tmpfs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the machine's memory, whose content is then this test's alone."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(tmpfs, "MEMORY", place)
    monkeypatch.setattr(tmpfs, "ROOM", 0)
    return place
