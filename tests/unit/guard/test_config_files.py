"""What the guard writes, and what of others' it leaves alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import GuardConfigurationError
from bootstrap.guard import config_files

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
        (">=2.*", "2.4.6", True),
        ("<2.*", "2.4.6", False),
        ("2.4*", "2.4.6", True),
        (">=2,", "1.9", False),
        ("1.1.1w", "3.0", False),
        ("1.1.1w", "1.1.1w", True),
        ("<9", "9e", False),
        ("*", "2.4.6", True),
        ("what is this", "2.4.6", True),
    ],
)
def test_whether_a_pin_lets_a_version_through(wanted: str, version: str, through: bool) -> None:
    assert config_files.admits(wanted, version) is through


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
    assert config_files.split_pin(line) == parts


def test_pins_of_others_stay_unless_they_contradict() -> None:
    before = "python 3.11.*\ncuda-version 12.*\nnumpy <2\n# a remark\n"
    once, removed = config_files.with_pins(before, PINS)
    assert removed == ["numpy <2"]
    assert once.splitlines()[:3] == ["python 3.11.*", "cuda-version 12.*", "# a remark"]
    assert [line for line in once.splitlines() if line in PINS] == PINS
    assert config_files.with_pins(once, PINS) == (once, [])
    assert config_files.with_pins(once, []) == ("python 3.11.*\ncuda-version 12.*\n# a remark\n", [])
    back, _ = config_files.with_pins(once, [], back=removed)
    assert sorted(back.splitlines()) == sorted(before.splitlines())
    assert config_files.with_pins(back, [], back=removed) == (back, []), "once and only once"


def test_a_line_that_condacolab_appends_later_survives() -> None:
    text = config_files.with_pins("", PINS)[0] + "python 3.11.*\n"
    assert config_files.with_pins(config_files.with_pins(text, PINS)[0], [])[0] == "python 3.11.*\n"


def test_pip_configuration_of_others_stays(prefix: Path) -> None:
    before = "[global]\ntimeout = 60\r\n[install]\nno-compile = true\n# caf\udce9\x0c\n"
    text = config_files.with_constraint(prefix, before)
    assert text.count("[install]") == 1
    assert config_files.constraints_path(prefix).as_uri() in text
    assert config_files.with_constraint(prefix, text) == text
    assert config_files.without_ours(text) == before


@pytest.mark.parametrize("text", ["no section\n", "[install]\nconstraint = mine.txt\n"])
def test_pip_configuration_that_cannot_be_joined(prefix: Path, text: str) -> None:
    with pytest.raises(GuardConfigurationError) as caught:
        config_files.with_constraint(prefix, text)
    assert caught.value.evidence


def test_variables_of_others_stay(prefix: Path) -> None:
    before = json.dumps({"version": 1, "env_vars": {"MINE": "1", "UV_CONSTRAINT": "mine.txt"}})
    text = config_files.with_variable(prefix, before, on=True)
    ours = str(config_files.constraints_path(prefix))
    assert json.loads(text)["env_vars"] == {"MINE": "1", "UV_CONSTRAINT": f"mine.txt {ours}"}
    assert config_files.with_variable(prefix, text, on=True) == text
    assert config_files.with_variable(prefix, text, on=False) == before
    for nonsense in ("no JSON", "[]", '{"env_vars": 1}', "[" * 100_000):
        with pytest.raises(GuardConfigurationError):
            config_files.with_variable(prefix, nonsense, on=True)


def test_a_file_keeps_its_bytes_its_mode_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_bytes(b"index = https://me:secret@example.org # caf\xe9\r\n")
    conf.chmod(0o600)
    (tmp_path / ".pip.conf.condacolab-bootstrap-new").write_text("left by a run that was killed")
    config_files.put(conf, config_files.read(conf) + "more\n")
    assert conf.read_bytes() == b"index = https://me:secret@example.org # caf\xe9\r\nmore\n"
    assert conf.stat().st_mode & 0o777 == 0o600
    config_files.put(conf, None)
    assert list(tmp_path.iterdir()) == []


def test_variables_for_a_process(prefix: Path) -> None:
    assert config_files.in_environment(prefix, {}) == {}
    config_files.put(config_files.constraints_path(prefix), config_files.constraints_text(["numpy==2.4.6"]))
    path = config_files.constraints_path(prefix)
    assert config_files.in_environment(prefix, {}) == {"UV_CONSTRAINT": str(path)}
    # A constraint of the user's own would hide the configuration from pip.
    found = config_files.in_environment(prefix, {"PIP_CONSTRAINT": "mine.txt", "UV_CONSTRAINT": f"mine.txt {path}"})
    assert found == {"PIP_CONSTRAINT": f"mine.txt {path.as_uri()}"}
