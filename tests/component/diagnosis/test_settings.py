"""What pip tells of its settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bootstrap.diagnosis.settings import combine, pip_settings


def test_pip_tells_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment's come after the file's, and a command's own after the global ones."""
    (tmp_path / "pip.conf").write_text("[global]\ntimeout = 5\nno-index = true\n[install]\ntimeout = 6\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/w /x")
    found = pip_settings(Path(sys.executable))
    assert (found["timeout"], found["find-links"]) == ("6", "/w /x")
    assert combine(found, []).indexes == ()
    assert pip_settings(tmp_path / "none") == {}
