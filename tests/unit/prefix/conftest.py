from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix import memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the machine's memory, whose content is then this test's alone."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(memory, "MEMORY", place)
    monkeypatch.setattr(memory, "ROOM", 0)
    return place
