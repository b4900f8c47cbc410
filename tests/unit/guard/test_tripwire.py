"""What the tripwire says, when, and that it never disturbs."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from bootstrap import provenance
from bootstrap.guard import tripwire
from bootstrap.guard.messages import to_card

SHORT = f"python{sys.version_info[0]}.{sys.version_info[1]}"


class Events:
    def __init__(self) -> None:
        self.hooks: dict[str, list[Any]] = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, event: str, hook: Any) -> None:
        self.hooks[event].append(hook)

    def unregister(self, event: str, hook: Any) -> None:
        self.hooks[event].remove(hook)


class Shell:
    """As much of IPython's shell as the tripwire touches."""

    def __init__(self) -> None:
        self.events = Events()
        self.user_ns: dict[str, Any] = {}


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with numpy 2.0.2 and pandas 2.2.2, whose numpy this process has loaded."""
    importlib.import_module("packaging.specifiers")  # imported when it is needed, which an empty path would prevent
    monkeypatch.setattr(sys, "path", [])
    numpy = types.ModuleType("numpy")
    numpy.__version__ = "2.0.2"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    (tmp_path / "conda-meta").mkdir()
    install(tmp_path, "numpy", "2.0.2")
    install(tmp_path, "pandas", "2.2.2")
    package = site(tmp_path) / "numpy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    return tmp_path


def site(prefix: Path) -> Path:
    return prefix / "lib" / SHORT / "site-packages"


def install(prefix: Path, name: str, version: str) -> None:
    for old in site(prefix).glob(f"{name}-*.dist-info"):
        old.rmdir()
    (site(prefix) / f"{name}-{version}.dist-info").mkdir(parents=True)
    # The clock of a file system may stand still for some milliseconds.
    os.utime(site(prefix), ns=(0, hash((name, version)) % 10**15))


def test_silent_while_nothing_changes(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    wire = tripwire.arm(shell, prefix)
    for _ in range(3):
        shell.events.hooks["post_run_cell"][0](None)
    assert capsys.readouterr().out == ""
    assert wire.told == []


def test_armed_once(prefix: Path) -> None:
    shell = Shell()
    assert tripwire.arm(shell, prefix) is tripwire.arm(shell, prefix)
    assert [len(hooks) for hooks in shell.events.hooks.values()] == [1, 1]


def test_numpy_that_changes_is_told_once(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = tripwire.arm(Shell(), prefix)
    install(prefix, "numpy", "2.3.4")
    wire.after_cell()
    said = capsys.readouterr().out
    assert "numpy on disk is now 2.3.4, this kernel has 2.0.2 loaded: restart the runtime" in said
    wire.after_cell()
    assert capsys.readouterr().out == ""
    install(prefix, "numpy", "2.0.2")
    wire.after_cell()
    assert "numpy on disk is 2.0.2 again" in capsys.readouterr().out


def test_a_new_package_is_no_alarm(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = tripwire.arm(Shell(), prefix)
    install(prefix, "torchinfo", "1.8.0")
    wire.after_cell()
    said = capsys.readouterr().out
    assert said.startswith("bootstrap note: installed: torchinfo 1.8.0; nothing loaded or locked")
    assert not wire.told[0].grave


def test_a_loaded_package_that_changes(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    wire = tripwire.arm(Shell(), prefix)
    install(prefix, "pandas", "3.1.1")
    wire.after_cell()
    (change,) = wire.told
    assert (change.loaded, change.moved, change.grave) == (("pandas",), ("pandas 2.2.2 -> 3.1.1",), True)


def test_a_locked_package_that_changes(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (prefix / "conda-meta" / "locked-by-condacolab-bootstrap.txt").write_text("pandas==2.2.2,!=0+x\n")
    wire = tripwire.arm(Shell(), prefix)
    install(prefix, "pandas", "3.1.1")
    wire.after_cell()
    assert "no longer as locked: pandas" in capsys.readouterr().out


def test_numpy_edited_in_place(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = tripwire.arm(Shell(), prefix)
    (site(prefix) / "numpy" / "__init__.py").write_text("edited = True\n")
    wire.after_cell()
    assert "bootstrap.check()" in capsys.readouterr().out


def test_a_vanished_environment_disturbs_no_cell(prefix: Path) -> None:
    wire = tripwire.arm(Shell(), prefix)
    import shutil

    shutil.rmtree(prefix / "lib")
    wire.after_cell()
    wire.after_cell(object())


def test_a_refused_install_is_explained(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (prefix / "conda-meta" / "locked-by-condacolab-bootstrap.txt").write_text(
        "numpy==2.0.2,!=0+x\nscipy==1.0,!=0+x\n"
    )
    shell = Shell()
    wire = tripwire.arm(shell, prefix)
    shell.user_ns["_exit_code"] = 1
    wire.after_cell(types.SimpleNamespace(info=types.SimpleNamespace(raw_cell="!pip install -q 'numpy<2'")))
    said = capsys.readouterr().out
    assert "Held here: numpy 2.0.2" in said
    assert "scipy" not in said
    requirements = prefix / "requirements.txt"
    requirements.write_text("x\nscipy<1  # old\n")
    wire.after_cell(types.SimpleNamespace(info=types.SimpleNamespace(raw_cell=f"%pip install -r {requirements}")))
    assert "Held here: scipy 1.0" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["succeeded", "of an earlier cell", "a typo"])
def test_what_was_not_refused_is_not_explained(prefix: Path, capsys: pytest.CaptureFixture[str], status: str) -> None:
    (prefix / "conda-meta" / "locked-by-condacolab-bootstrap.txt").write_text("numpy==2.0.2,!=0+x\n")
    shell = Shell()
    wire = tripwire.arm(shell, prefix)
    shell.user_ns["_exit_code"] = int(status != "succeeded")
    if status == "of an earlier cell":
        wire.before_cell()
    source = "!pip install nunpy" if status == "a typo" else "!pip install 'numpy<2'"
    wire.after_cell(types.SimpleNamespace(info=types.SimpleNamespace(raw_cell=source)))
    assert capsys.readouterr().out == ""
    assert shell.user_ns["_exit_code"] == int(status != "succeeded")


def test_what_a_repair_changed_is_told_by_it_and_not_again(
    prefix: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    wire = tripwire.arm(shell, prefix)
    install(prefix, "numpy", "2.3.4")
    monkeypatch.setattr(provenance, "shell", lambda: shell)
    provenance.accept_changes()
    wire.after_cell()
    assert capsys.readouterr().out == ""


def test_the_first_cell_tells_that_numpy_is_not_the_locked_one(
    prefix: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (prefix / "conda-meta" / "condacolab-bootstrap").write_text('{"records":{"numpy-2.3.4-0":"sha256"}}')
    wire = tripwire.arm(Shell(), prefix)
    assert capsys.readouterr().out == ""
    wire.before_cell()
    assert (
        "numpy 2.0.2 is on disk, where numpy 2.3.4 is locked: `bootstrap.check(repair=True)`"
        in capsys.readouterr().out
    )
    wire.before_cell()
    assert capsys.readouterr().out == ""


def test_words_for_a_notebook_are_escaped_and_have_a_role() -> None:
    bundle = to_card(["<b>"], grave=True)._repr_mimebundle_()
    assert 'role="alert"' in bundle["text/html"]
    assert "&lt;b&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == "bootstrap warning: <b>"


def test_folders_whose_numbers_change_by_themselves_are_no_change(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an overlay whose layers lie on several file systems, under memory pressure."""
    wire = tripwire.Tripwire(Shell(), prefix)
    as_it_is = os.stat

    def renumbered(path: str) -> os.stat_result:
        info = as_it_is(path)
        return os.stat_result((info[0], info[1] + 1, *info[2:])) if os.path.isdir(path) else info

    with monkeypatch.context() as patched:
        patched.setattr(tripwire.os, "stat", renumbered)
        wire.after_cell()
    assert wire.told == []
    install(prefix, "numpy", "2.1.0")
    wire.after_cell()
    assert len(wire.told) == 1
