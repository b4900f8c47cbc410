"""Where an environment can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.errors import PrefixPlaceError, PrefixTooLongError
from bootstrap.prefix import place
from bootstrap.prefix.place import mounts_at, settled


def test_many_ways_to_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a/env").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/env")
    monkeypatch.chdir(tmp_path / "a/env")
    for way in (".", "../env", f"{tmp_path}/a/env/", f"{tmp_path}/link", f"{tmp_path}/a/../a/env", "x/.."):
        assert settled(Path(way)) == tmp_path / "a/env"
    assert settled(Path("new")) == tmp_path / "a/env/new"


@pytest.mark.parametrize(
    ("path", "why"),
    [("/x/a\nb", "newline"), ("/x/a\tb", "control"), ("/x/\udcff", "UTF-8"), ("/", "root"), ("/tmp/..", "root")],
)
def test_paths_that_files_can_not_hold(path: str, why: str) -> None:
    with pytest.raises(PrefixPlaceError) as caught:
        settled(Path(path))
    assert why in caught.value.evidence[0]
    caught.value.evidence[0].encode()


@pytest.mark.parametrize("path", ["/" + "x" * 255, "/" + "é" * 120])
def test_too_long(path: str) -> None:
    with pytest.raises(PrefixTooLongError):
        settled(Path(path))


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(PrefixPlaceError, match="This path can't hold"):
        settled(tmp_path / "loop")


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(PrefixPlaceError) as caught:
        settled(Path("env"))
    assert "working directory no longer exists" in caught.value.evidence[0]
    assert settled(tmp_path / "env") == tmp_path / "env"
    os.chdir(tmp_path)


def test_mount_points_at_it_and_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "my env"
    table = tmp_path / "mountinfo"
    shown = str(prefix).replace(" ", "\\040")
    lines = [f"1 2 0:3 / {point} rw - tmpfs none rw" for point in ("/", f"{shown}2", str(tmp_path))]
    table.write_text("\n".join(lines))
    monkeypatch.setattr(place, "_MOUNTS", table)
    assert settled(prefix) == prefix
    table.write_text("\n".join([*lines, f"4 2 0:3 /x {shown}/data rw - tmpfs none rw"]))
    assert mounts_at(prefix) == [f"{prefix}/data"]
    with pytest.raises(PrefixPlaceError) as caught:
        settled(prefix)
    assert f"{prefix}/data: a mount point" in caught.value.evidence
    table.unlink()
    assert mounts_at(prefix) == []
    assert mounts_at(Path("/proc")) == ["/proc"]
