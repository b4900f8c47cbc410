"""The course of a check, where it needs no environment."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.errors import PrefixNotFoundError
from bootstrap.health import check, runner
from bootstrap.health.facts import InterpreterLayout
from bootstrap.health.model import ProbeResult
from bootstrap.health.runner import direct, outer_paths
from bootstrap.health.variables import Surroundings
from tests.support import ROOT


@pytest.mark.parametrize("conda", [True, False])
def test_interpreter_that_does_not_start(conda: bool, tmp_path: Path) -> None:
    if conda:
        (tmp_path / "conda-meta").mkdir()
        (tmp_path / "conda-meta/history").touch()
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 127\n")
    python.chmod(0o755)
    report = check(python=python)
    (cause,) = report.causes
    assert (cause.id, cause.severity, cause.owner) == ("python-does-not-start", "broken", "python")
    assert cause.files == (str(python),)
    assert "no such library" in cause.evidence
    assert (f"`bootstrap restore --prefix {tmp_path}`" in cause.repair) is conda
    assert report.numpy_version is None


def test_no_environment(tmp_path: Path) -> None:
    with pytest.raises(PrefixNotFoundError):
        check(tmp_path / "nothing")
    with pytest.raises(PrefixNotFoundError):
        check(tmp_path)


def test_folders_that_a_notebook_searches_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, user, mine, here = (tmp_path / name for name in ("site", "user", "mine", "here"))
    for folder in (site, user, mine, here):
        folder.mkdir()
    where = InterpreterLayout(tmp_path / "python", tmp_path, (3, 11), (site,), user)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", f"{mine}::{site}")
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    assert outer_paths(where, Surroundings()) == (mine, here, user)
    kernels = Surroundings({"PYTHONPATH": f"sub:{mine}"}, "in the running kernel", tmp_path, 8)
    assert outer_paths(where, kernels) == (tmp_path / "sub", mine, tmp_path, user), "all as the kernel has it"
    monkeypatch.setenv("PYTHONNOUSERSITE", "1")
    assert outer_paths(where, Surroundings()) == (mine, here)
    monkeypatch.chdir(site)
    monkeypatch.delenv("PYTHONPATH")
    assert outer_paths(where, Surroundings()) == ()


def test_by_which_the_checker_was_told_where_it_is_says_nothing_of_another_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    other = InterpreterLayout(tmp_path / "python", tmp_path, (3, 11), ())
    assert outer_paths(other, Surroundings()) == (tmp_path,)
    assert ROOT in outer_paths(replace(other, prefix=Path(sys.prefix)), Surroundings())


@pytest.mark.parametrize(
    ("own", "users", "refused", "needed"),
    [(False, True, "", True), (True, True, "", False), (False, True, "1", False)],
)
def test_numpy_that_lies_in_the_users_site_folder_alone_is_the_interpreters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool, users: bool, refused: str, needed: bool
) -> None:
    site, user = tmp_path / "site", tmp_path / "user"
    for folder, there in ((site, own), (user, users)):
        folder.mkdir()
        if there:
            (folder / "numpy-2.0.2.dist-info").mkdir()
    monkeypatch.setenv("PYTHONNOUSERSITE", refused)
    where = InterpreterLayout(tmp_path / "python", tmp_path, (3, 11), (site,), user)
    assert runner._needed_user_site(where, os.environ) == (user if needed else None)
    assert runner._needed_user_site(replace(where, user_site=None), os.environ) is None


def test_one_folder_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "deep" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep")
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "here")
    assert direct(Path("../env")) == tmp_path / "env"
    assert direct(tmp_path / "link" / ".." / "here") == tmp_path / "deep" / "here"
    assert direct(tmp_path / "link") == tmp_path / "link"


def test_the_package_imports_neither_numpy_nor_ipython() -> None:
    code = """
        import sys
        import bootstrap.health
        loaded = {"numpy", "IPython"} & set(sys.modules)
        sys.exit(f"loaded: {loaded}" if loaded else 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_dependents_in_the_users_site_folder_are_imported_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the quick check too, which imports them before it is known what the disk holds."""
    user = tmp_path / "user"
    (user / "standing").mkdir(parents=True)
    (user / "standing" / "__init__.py").touch()
    (user / "numpy-2.0.2.dist-info").mkdir()
    where = InterpreterLayout(Path(sys.executable), tmp_path, (3, 11), (tmp_path / "site",), user)
    monkeypatch.setattr(InterpreterLayout, "from_probe", lambda *_: where)
    monkeypatch.setattr(runner, "_ask_numpy", lambda *_, **__: [ProbeResult("numpy-import", "pass")])
    report = check(python=Path(sys.executable), full=False, imports=["standing"])
    assert [probe.outcome for probe in report.probes if probe.name == "import standing"] == ["pass"]
