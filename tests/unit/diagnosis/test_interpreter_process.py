"""The process that answers for an interpreter, and interpreters that don't."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.diagnosis.interpreter_process import Interpreter, quiet_environment
from bootstrap.diagnosis.target import meets, read_requirements
from bootstrap.errors import InterpreterError
from tests.unit.diagnosis import built


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
        Interpreter(python).ask({"do": "inventory"})
    assert message in caught.value.message
    assert evidence in caught.value.evidence[-1]


def test_what_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("not executable")
    with pytest.raises(InterpreterError, match="doesn't run"):
        Interpreter(tmp_path / "python").ask({"do": "inventory"})


def test_settings_that_would_send_pip_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_TARGET", "PIP_USER", "PIP_LOG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://x.y")
    found = quiet_environment(MORE="2")
    assert not {"PIP_TARGET", "PIP_USER", "PIP_LOG"} & set(found)
    assert (found["PIP_INDEX_URL"], found["MORE"], found["PYTHONDONTWRITEBYTECODE"]) == ("https://x.y", "2", "1")


def test_requirements_as_it_reads_them() -> None:
    found = read_requirements(built.interpreter(), ["A[x,b]>=1; python_version > '3'", "b @ file:///b.whl", "c d"])
    assert found[0] == {"name": "A", "extras": ["b", "x"], "specifier": ">=1", "url": None, "applies": True}
    assert found[1]["url"] == "file:///b.whl"
    assert list(found[2]) == ["error"]
    assert read_requirements(built.interpreter(), []) == []


@pytest.mark.parametrize(
    ("requirements", "version", "within"),
    [
        (["numpy>=2,<3"], "2.0.2", True),
        (["numpy>=2,<3", "numpy!=2.0.2"], "2.0.2", False),
        (["numpy<2"], "2.0.0rc1", False),
        (["numpy>=2.0.0rc1"], "2.0.0rc1", True),
        ([], "1", True),
    ],
)
def test_whether_a_version_is_within_bounds(requirements: list[str], version: str, within: bool) -> None:
    assert meets(built.interpreter(), requirements, version) is within
