"""`bootstrap lock --init`: a first specification."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootstrap import cli
from bootstrap.errors import SpecificationExistsError
from bootstrap.maintain.specification import read_specification
from bootstrap.runtime.needs import require_kernel
from tests.support.records import record

if TYPE_CHECKING:
    from pathlib import Path

Captured = pytest.CaptureFixture[str]


def test_it_holds_what_a_kernel_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lock", "--init"]) == 0
    assert "Add your packages, then run `bootstrap lock`." in capsys.readouterr().out
    found = read_specification(tmp_path / "environment.yml")
    assert found.channels == ("conda-forge",)
    require_kernel([record(name) for name in found.names], colab=True)
    assert [path.name for path in tmp_path.iterdir()] == ["environment.yml"]


def test_it_replaces_nothing(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "class" / "environment.yml"
    assert cli.main(["lock", "--init", "-f", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["specification"] == str(path)
    path.write_text("mine")
    assert cli.main(["lock", "--init", "-f", str(path)]) == SpecificationExistsError.exit_code
    assert path.read_text() == "mine"


@pytest.mark.parametrize("option", [["--check"], ["--update", "numpy"], ["--channel", "x"], ["--output", "x"]])
def test_it_solves_nothing(option: list[str], capsys: Captured) -> None:
    assert cli.main(["lock", "--init", *option]) == 2
    assert "run `bootstrap lock` afterwards" in capsys.readouterr().err


def test_where_there_is_none_the_way_to_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lock"]) == 60
    assert "bootstrap lock --file environment.yml --init" in capsys.readouterr().err
