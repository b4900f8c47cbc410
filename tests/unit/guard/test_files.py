"""What the guard writes, and what of others' it leaves alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import GuardConfigurationError
from bootstrap.guard import files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    (tmp_path / "conda-meta").mkdir()
    return tmp_path


PINS = ["numpy 2.4.6 py311_0", "python 3.11.7 h1_0"]


@pytest.mark.parametrize(
    ("wanted", "version", "through"),
    [
        ("3.13.*", "3.13.5", True),
        ("3.13.*", "3.1.5", False),
        ("3.13", "3.13", True),
        ("==2.4.6", "2.4.6", True),
        ("=2.4", "2.4.6", True),
        ("=2.4", "2.5", False),
        (">=2,<3", "2.4.6", True),
        (">=2,<2.4", "2.4.6", False),
        ("<2", "2.0", False),
        ("!=2.4.*", "2.4.6", False),
        ("1.26|2.4.6", "2.4.6", True),
        ("~=2.4.1", "2.4.6", True),
        ("~=2.3.1", "2.4.6", False),
        ("what is this", "2.4.6", True),
    ],
)
def test_whether_a_pin_lets_a_version_through(wanted: str, version: str, through: bool) -> None:
    assert files.admits(wanted, version) is through


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("python 3.13.*", ("python", "3.13.*")),
        ("python_abi 3.13.* *cp313*", ("python_abi", "3.13.*")),
        ("numpy>=2,<3  # mine", ("numpy", ">=2,<3")),
        ("cuda-version 12.*", ("cuda-version", "12.*")),
        ("scipy", ("scipy", "")),
        ("# words", ("", "")),
        ("", ("", "")),
    ],
)
def test_parts_of_a_pin(line: str, parts: tuple[str, str]) -> None:
    assert files.split_pin(line) == parts


def test_pins_of_others_stay_unless_they_contradict(prefix: Path) -> None:
    path = files.pinned_path(prefix)
    path.write_text("python 3.11.*\ncuda-version 12.*\nnumpy <2\n# a remark\n")
    assert files.write_pins(prefix, PINS) == ["numpy <2"]
    once = path.read_text()
    assert once.splitlines()[:3] == ["python 3.11.*", "cuda-version 12.*", "# a remark"]
    assert [line for line in once.splitlines() if line in PINS] == PINS
    assert files.write_pins(prefix, PINS) == []
    assert path.read_text() == once
    files.write_pins(prefix, [])
    assert path.read_text() == "python 3.11.*\ncuda-version 12.*\n# a remark\n"


def test_a_line_that_condacolab_appends_later_survives(prefix: Path) -> None:
    files.write_pins(prefix, PINS)
    path = files.pinned_path(prefix)
    path.write_text(path.read_text() + "python 3.11.*\n")
    files.write_pins(prefix, PINS)
    files.write_pins(prefix, [])
    assert path.read_text() == "python 3.11.*\n"


def test_pip_configuration_of_others_stays(prefix: Path) -> None:
    conf = prefix / "pip.conf"
    before = "[global]\ntimeout = 60\n[install]\nno-compile = true\n"
    conf.write_text(before)
    files.write_constraints(prefix, ["numpy==2.4.6"])
    text = conf.read_text()
    assert text.count("[install]") == 1
    assert files.constraints_path(prefix).as_uri() in text
    files.write_constraints(prefix, ["numpy==2.4.6"])
    assert conf.read_text() == text
    files.write_constraints(prefix, [])
    assert conf.read_text() == before
    assert not files.constraints_path(prefix).exists()


@pytest.mark.parametrize("text", ["no section\n", "[install]\nconstraint = mine.txt\n"])
def test_pip_configuration_that_cannot_be_joined(prefix: Path, text: str) -> None:
    (prefix / "pip.conf").write_text(text)
    with pytest.raises(GuardConfigurationError) as caught:
        files.write_constraints(prefix, ["numpy==2.4.6"])
    assert caught.value.evidence
    assert (prefix / "pip.conf").read_text() == text


def test_variables_of_others_stay(prefix: Path) -> None:
    state = prefix / "conda-meta" / "state"
    state.write_text(json.dumps({"version": 1, "env_vars": {"MINE": "1"}}))
    files.write_variable(prefix, "UV_CONSTRAINT", "x")
    assert json.loads(state.read_text())["env_vars"] == {"MINE": "1", "UV_CONSTRAINT": "x"}
    files.write_variable(prefix, "UV_CONSTRAINT", None)
    assert json.loads(state.read_text())["env_vars"] == {"MINE": "1"}
    state.write_text("no JSON")
    with pytest.raises(GuardConfigurationError):
        files.write_variable(prefix, "UV_CONSTRAINT", "x")


def test_variables_for_a_process(prefix: Path) -> None:
    assert files.in_environment(prefix, {}) == {}
    files.write_constraints(prefix, ["numpy==2.4.6"])
    path = files.constraints_path(prefix)
    assert files.in_environment(prefix, {}) == {"UV_CONSTRAINT": str(path)}
    # A constraint of the user's own would hide the configuration from pip.
    found = files.in_environment(prefix, {"PIP_CONSTRAINT": "mine.txt", "UV_CONSTRAINT": f"mine.txt {path}"})
    assert found == {"PIP_CONSTRAINT": f"mine.txt {path.as_uri()}"}
