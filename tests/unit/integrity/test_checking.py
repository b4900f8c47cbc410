"""The course of a check, where it needs no environment."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import PrefixNotFoundError
from bootstrap.integrity import check
from bootstrap.integrity.checking import outer_paths
from bootstrap.integrity.facts import Layout

if TYPE_CHECKING:
    from pathlib import Path


def test_interpreter_that_does_not_start(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 127\n")
    python.chmod(0o755)
    report = check(python=python)
    (cause,) = report.causes
    assert (cause.id, cause.severity, cause.owner) == ("python-does-not-start", "broken", "python")
    assert cause.files == (str(python),)
    assert "no such library" in cause.evidence
    assert cause.repair == f"Restore the environment: `bootstrap restore --prefix {tmp_path}`."
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
    where = Layout(tmp_path / "python", tmp_path, (3, 11), (site,), user)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", f"{mine}::{site}")
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    monkeypatch.setattr("site.ENABLE_USER_SITE", True)
    assert outer_paths(where) == (mine, here, user)
    monkeypatch.setenv("PYTHONNOUSERSITE", "1")
    assert outer_paths(where) == (mine, here)
    monkeypatch.chdir(site)
    monkeypatch.delenv("PYTHONPATH")
    assert outer_paths(where) == ()


def test_the_package_imports_neither_numpy_nor_ipython() -> None:
    code = """
        import sys
        import bootstrap.integrity
        loaded = {"numpy", "IPython"} & set(sys.modules)
        sys.exit(f"loaded: {loaded}" if loaded else 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
