"""Records of a stage that lie in memory while the engine writes them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bootstrap.prefix import tmpfs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stage = tmp_path / "stage"
    stage.mkdir(mode=0o755)
    stage.chmod(0o755)
    return stage / "conda-meta"


def test_lent_and_brought_back(folder: Path, room: Path) -> None:
    tmpfs.redirect_to_tmpfs(folder, "token")
    assert folder.is_symlink()
    assert folder.readlink().parent == room
    (folder / "numpy.json").write_text("{}")
    (folder / "history").write_text("")
    (folder / "link").symlink_to("history")
    tmpfs.copy_back(folder)
    assert not folder.is_symlink()
    assert (folder / "numpy.json").read_text() == "{}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {path.name for path in folder.iterdir()} == {"numpy.json", "history", "link"}
    assert os.readlink(folder / "link") == "history"
    assert list(room.iterdir()) == []
    assert [path.name for path in folder.parent.iterdir()] == ["conda-meta"]


def test_records_keep_their_modes(folder: Path, room: Path) -> None:
    tmpfs.redirect_to_tmpfs(folder, "token")
    (folder / "pinned").write_text("")
    (folder / "pinned").chmod(0o600)
    tmpfs.copy_back(folder)
    assert stat.S_IMODE((folder / "pinned").stat().st_mode) == 0o600


def test_what_is_no_loan_stays(folder: Path, room: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "numpy.json").write_text("{}")
    tmpfs.copy_back(folder)
    assert (folder / "numpy.json").read_text() == "{}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (room / "condacolab-bootstrap-token").symlink_to(elsewhere)
    for token in ("token", "another"):
        tmpfs.discard(token)
    assert elsewhere.is_dir()


def test_forgotten(folder: Path, room: Path) -> None:
    """Even where the link was never made: a kill may strike between the two."""
    tmpfs.redirect_to_tmpfs(folder, "token")
    (folder / "numpy.json").write_text("{}")
    folder.unlink()
    tmpfs.discard("token")
    assert list(room.iterdir()) == []
    tmpfs.discard("token")


@pytest.mark.parametrize("why", ["too small", "not there"])
def test_without_memory_it_is_an_ordinary_folder(
    folder: Path, room: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "too small":
        monkeypatch.setattr(tmpfs, "ROOM", 1 << 60)
    else:
        room.rmdir()
    tmpfs.redirect_to_tmpfs(folder, "token")
    assert folder.is_dir()
    assert not folder.is_symlink()
    tmpfs.copy_back(folder)
    assert folder.is_dir()


def test_where_links_are_not_allowed(folder: Path, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    tmpfs.redirect_to_tmpfs(folder, "token")
    assert folder.is_dir()
    assert list(room.iterdir()) == []
