"""What a change of the environment means to the running kernel."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from bootstrap.guard.messages import CellChanges, describe_refusal, describe_start
from bootstrap.prefix.locked import next_step

BEFORE = {"numpy": "2.0.2", "pandas": "2.2.2", "pip": "24.1"}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has numpy 2.0.2 and pandas loaded."""
    numpy: Any = types.ModuleType("numpy")
    numpy.__version__ = "2.0.2"
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    monkeypatch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    monkeypatch.delitem(sys.modules, "pip", raising=False)


def change(tmp_path: Path, *, touched: bool = False, before: dict[str, str] = BEFORE, **after: str) -> CellChanges:
    there = {name: version for name, version in {**before, **after}.items() if version}
    return CellChanges.between(before, there, numpy_touched=touched, prefix=tmp_path)


@pytest.mark.parametrize(
    ("after", "grave", "words"),
    [
        ({"numpy": "1.26.4"}, True, "numpy on disk is now 1.26.4, this kernel has 2.0.2 loaded: restart the runtime"),
        ({"numpy": ""}, True, "numpy is gone from disk"),
        ({"pandas": "3.0"}, True, "loaded here and changed on disk: pandas; restart the runtime"),
        ({"pandas": ""}, True, "changed: pandas 2.2.2 removed"),
        ({"pip": "25.0"}, False, "changed: pip 24.1 -> 25.0"),
        ({"new": "1"}, False, "installed: new 1; nothing loaded or locked has changed"),
        ({"new": "1", "pandas": "3.0"}, True, "installed: new 1\n"),
    ],
)
def test_what_is_said(loaded: None, tmp_path: Path, after: dict[str, str], grave: bool, words: str) -> None:
    found = change(tmp_path, **after)
    assert found.worth_telling
    assert found.grave is grave
    assert words in "\n".join(found.to_lines()) + "\n"


def test_nothing_changed(loaded: None, tmp_path: Path) -> None:
    assert not change(tmp_path).worth_telling


def test_numpy_written_anew_in_the_same_version(loaded: None, tmp_path: Path) -> None:
    found = change(tmp_path, touched=True)
    assert (found.worth_telling, found.stale_numpy, found.grave) == (True, False, False)
    assert found.to_lines() == ["numpy 2.0.2 was reinstalled: run `bootstrap.check()` to verify it."]


def test_numpy_back_again(loaded: None, tmp_path: Path) -> None:
    found = change(tmp_path, before={**BEFORE, "numpy": "2.3.4"}, numpy="2.0.2")
    assert (found.restored, found.stale_numpy) == (True, False)
    assert "numpy on disk is 2.0.2 again" in found.to_lines()[0]


REPAIR = "`bootstrap.check(repair=True)` puts the locked files back"
RESTART = "restart the runtime before you go on"


@pytest.mark.parametrize(
    ("locked", "disk", "step"),
    [
        ("", "2.3.4", RESTART),
        ("2.3.4", "2.3.4", RESTART),
        ("2.0.2", "2.3.4", REPAIR),
        ("2.1.0", "2.3.4", f"{REPAIR}, then restart the runtime"),
        ("2.0.2", "", REPAIR),
    ],
)
def test_there_is_one_next_step(loaded: None, tmp_path: Path, locked: str, disk: str, step: str) -> None:
    """A restart only where what is on disk is what is to be loaded."""
    restored(tmp_path, locked)
    said = "\n".join(change(tmp_path, numpy=disk).to_lines())
    assert f"this kernel has 2.0.2 loaded: {step}." in said
    assert ("estart" in said) is ("estart" in step)
    assert said.count("`bootstrap.check") == step.count("`bootstrap.check")


def restored(prefix: Path, numpy: str) -> None:
    """The manifest of a restore, as far as it tells numpy's version."""
    if numpy:
        (prefix / "conda-meta").mkdir()
        (prefix / "conda-meta/condacolab-bootstrap").write_text(f'{{"records":{{"numpy-{numpy}-py311_0":"sha256"}}}}')


@pytest.mark.parametrize(
    ("locked", "disk", "said"),
    [
        ("", "2.3.4", []),
        ("2.3.4", "2.3.4", []),
        ("2.3.4", "2.0.2", [f"numpy 2.0.2 is on disk, where numpy 2.3.4 is locked: {REPAIR}."]),
        ("2.3.4", "", [f"no numpy is on disk, where numpy 2.3.4 is locked: {REPAIR}."]),
    ],
)
def test_a_kernel_that_begins_with_another_numpy_says_so(
    tmp_path: Path, locked: str, disk: str, said: list[str]
) -> None:
    restored(tmp_path, locked)
    assert describe_start(tmp_path, disk) == said


def test_in_a_shell_the_step_is_a_command(tmp_path: Path) -> None:
    restored(tmp_path, "2.3.4")
    step = next_step(tmp_path, memory="", disk="2.0.2", in_cell=False)
    assert step == f"`bootstrap check --prefix {tmp_path} --repair` puts the locked files back"


def test_what_is_held_is_grave_though_not_loaded(loaded: None, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/locked-by-condacolab-bootstrap.txt").write_text("pip==24.1,!=0+x\n")
    found = change(tmp_path, pip="25.0")
    assert (found.locked, found.grave) == (("pip",), True)
    assert "no longer as locked: pip" in found.to_lines()[-1]


def test_what_was_put_back_is_as_locked(loaded: None, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/locked-by-condacolab-bootstrap.txt").write_text("pip==25.0,!=0+x\n")
    found = change(tmp_path, pip="25.0")
    assert (found.locked, found.grave) == ((), False)


def test_without_a_loaded_numpy_nothing_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    found = change(tmp_path, numpy="2.3.4")
    assert (found.stale_numpy, found.grave) == (False, False)
    assert found.to_lines() == ["changed: numpy 2.0.2 -> 2.3.4"]


def test_many_are_cut(loaded: None, tmp_path: Path) -> None:
    found = change(tmp_path, **{f"p{n}": "1" for n in range(8)})
    assert "p0 1, p1 1, p2 1, p3 1, p4 1, p5 1 and 2 more" in found.to_lines()[0]


def test_a_refusal_names_what_the_cell_names() -> None:
    held = "scikit-learn==1.5,!=0+x\nnumpy==2.0.2,!=0+x\n"
    assert describe_refusal("!pip install 'Scikit_Learn<1' x", held)[1] == "Held here: scikit-learn 1.5."


@pytest.mark.parametrize(
    "cell",
    [
        "!pip install nunpy",
        "!pip install numpy captum==0.8.0",
        "!pip install 'numpy>=2,<3' mynumpy==1 numpy-stl<2",
        "!pip install --upgrade numpy; numpy.__version__ == '1'",
        "!pip install numpy==2.0.2",
        "!pip install 'numpy @ https://example.org/numpy-1.0.zip'",
    ],
)
def test_what_replaces_nothing_held_was_not_refused_by_us(cell: str) -> None:
    assert describe_refusal(cell, "numpy==2.0.2,!=0+x\n") == []
