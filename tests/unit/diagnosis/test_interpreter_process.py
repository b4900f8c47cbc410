"""What an interpreter says of itself, and interpreters that don't."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment

from bootstrap.diagnosis.interpreter_process import inventory, quiet_environment
from bootstrap.errors import InterpreterError


@pytest.mark.parametrize(
    ("script", "message", "evidence"),
    [
        ("echo welcome; cat", "printed unexpected output", "welcome"),
        ("echo no such library >&2; exit 1", "failed to answer", "no such library"),
        ("read line; exit 0", "failed to answer", "python:"),
    ],
)
def test_what_does_not_answer(tmp_path: Path, script: str, message: str, evidence: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(InterpreterError) as caught:
        inventory(python)
    assert message in caught.value.message
    assert evidence in caught.value.evidence[-1]


def test_what_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("not executable")
    with pytest.raises(InterpreterError, match="doesn't run"):
        inventory(tmp_path / "python")


def test_settings_that_would_send_pip_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_TARGET", "PIP_USER", "PIP_LOG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://x.y")
    found = quiet_environment(MORE="2")
    assert not {"PIP_TARGET", "PIP_USER", "PIP_LOG"} & set(found)
    assert (found["PIP_INDEX_URL"], found["MORE"], found["PYTHONDONTWRITEBYTECODE"]) == ("https://x.y", "2", "1")


def test_markers_are_the_interpreters_own() -> None:
    assert dict(inventory(Path(sys.executable))["markers"]) == default_environment()
