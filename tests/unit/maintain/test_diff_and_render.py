"""`bootstrap diff` and `bootstrap render`, as commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import LockNotFoundError, LockSyntaxError, PlatformNotLockedError, RevisionNotFoundError
from tests.support import ROOT
from tests.support.project import Project, edit, entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A git repository with the CPU lock in its first commit, and numpy moved in its second."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path, capsys)
    for name in ("environment.yml", "conda-lock.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    commit(tmp_path, "first")
    edit(project.lock_path(), lambda t: t.replace(entry(t, "numpy"), entry(t, "numpy").replace("2.5.2", "2.6.0")))
    commit(tmp_path, "second")
    return project


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    git(folder, *author, "commit", "-q", "-a", "-m", message)


def test_two_revisions(repository: Project) -> None:
    result = repository.run("diff", "HEAD~1", "HEAD", "--format", "markdown")
    assert "### conda-lock.yml: HEAD~1 to HEAD" in result.out
    assert "| numpy | upgraded (minor) | 2.5.2 | 2.6.0 | 0 |" in result.out
    assert result.code == 0


def test_a_revision_and_the_working_tree(repository: Project) -> None:
    assert "unchanged" in repository.run("diff", "HEAD").out
    assert "upgraded" in repository.run("diff", "HEAD~1").out


def test_from_another_folder(repository: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    result = repository.run("diff", "main~1", "main", "--lock", str(repository.lock_path()), "--format", "json")
    assert json.loads(result.out)["changes"][0]["name"] == "numpy"


def test_two_files(repository: Project) -> None:
    result = repository.run(
        "diff", str(ROOT / "conda-lock.yml"), str(ROOT / "conda-lock-cuda.yml"), "--format", "json"
    )
    changes = {c["name"]: c for c in json.loads(result.out)["changes"]}
    assert changes["pytorch"]["kind"] == "rebuilt"
    assert changes["pytorch"]["explicit"] is True
    assert changes["libcublas"]["kind"] == "added"


def test_the_global_json_option(repository: Project) -> None:
    assert json.loads(repository.run("diff", "HEAD~1", "--json").out)["schema"] == 1


@pytest.mark.parametrize("name", ["nonsense", "HEAD~99", "--output=pwned", "0" * 40])
def test_what_is_no_revision(repository: Project, name: str) -> None:
    result = repository.run("diff", "--", name)
    assert isinstance(result.error, RevisionNotFoundError)
    assert name in result.error.message
    assert not (repository.root / "pwned").exists()


def test_a_revision_without_that_lock(repository: Project) -> None:
    result = repository.run("diff", "HEAD", "HEAD~1", "--lock", "conda-lock-cuda.yml")
    assert isinstance(result.error, RevisionNotFoundError)
    assert "conda-lock-cuda.yml" in result.error.message


def test_a_revision_whose_lock_is_broken(repository: Project) -> None:
    repository.lock_path().write_text("version: [")
    commit(repository.root, "broken")
    result = repository.run("diff", "HEAD~1", "HEAD")
    assert isinstance(result.error, LockSyntaxError)
    assert "HEAD:conda-lock.yml" in "\n".join(result.error.evidence)


def test_rendering_to_output_and_file(repository: Project) -> None:
    shown = repository.run("render").out
    assert "@EXPLICIT\n" in shown
    repository.run("render", "--output", "env.txt")
    assert (repository.root / "env.txt").read_text() == shown
    assert json.loads(repository.run("render", "--json").out)["explicit"] == shown
    md5 = repository.run("render", "--hash", "md5").out
    assert len(md5.splitlines()) == len(shown.splitlines())
    assert len(md5.splitlines()[-1].partition("#")[2]) == 32


def test_rendering_what_is_not_there(repository: Project) -> None:
    assert isinstance(repository.run("render", "--lock", "no.yml").error, LockNotFoundError)
    assert isinstance(repository.run("render", "--platform", "osx-64").error, PlatformNotLockedError)


def test_help_teaches(repository: Project) -> None:
    for command in ("lock", "diff", "render"):
        assert "examples:" in repository.run(command, "--help").out
