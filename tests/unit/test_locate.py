"""Which interpreter is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap import api, cli
from bootstrap.errors import InterpreterError
from bootstrap.locate import find_python


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an interpreter, which is on ``PATH`` and the working folder too."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch(0o755)
    (tmp_path / "bin/my-python").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["my-python", "bin/my-python", "{}/bin/my-python"])
def test_an_interpreter_is_named_as_in_a_shell(name: str, environment: Path) -> None:
    assert find_python(name.format(environment)) == environment / "bin/my-python"


@pytest.mark.parametrize("name", [".", "{}"])
def test_of_an_environment_its_interpreter_is_meant(name: str, environment: Path) -> None:
    assert find_python(name.format(environment)) == environment / "bin/python"


@pytest.mark.parametrize("name", ["none", "bin", "/nonexistent/python", "bin/none"])
def test_where_there_is_none_nothing_is_examined(name: str, environment: Path) -> None:
    with pytest.raises(InterpreterError):
        find_python(name)
    with pytest.raises(InterpreterError):
        api.check(python=name)
    assert cli.main(["diagnose", "numpy", "--python", name]) == InterpreterError.exit_code
