"""The places around a prefix: what is built beside it, how it gets there, and what a killed run leaves."""

from __future__ import annotations

import ctypes
import fcntl
import os
from pathlib import Path

import pytest

from bootstrap.errors import PrefixBusyError, PrefixNotWritableError
from bootstrap.prefix import memory
from bootstrap.prefix.staging import Staging, hold


@pytest.fixture
def prefix(tmp_path: Path, room: Path) -> Path:
    place = tmp_path / "home/env"
    place.parent.mkdir()
    return place


def fill(folder: Path, text: str) -> Path:
    (folder / "conda-meta").mkdir(parents=True)
    (folder / "conda-meta/numpy.json").write_text(text)
    (folder / "lib").mkdir()
    (folder / "lib/umath.so").write_text(text)
    (folder / "lib/link").symlink_to("umath.so")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def beside(prefix: Path) -> list[str]:
    return sorted(path.name for path in prefix.parent.iterdir())


def nobody() -> None:
    pytest.fail("nobody else is at work")


def test_names_lie_beside_the_prefix_and_are_hidden(prefix: Path) -> None:
    staging = Staging(prefix)
    assert staging.stage.parent == prefix.parent
    assert staging.stage.name.startswith(".env.stage-")


def test_a_new_one_is_built_and_put_in_its_place(prefix: Path, room: Path) -> None:
    with hold(prefix, waiting=nobody) as staging:
        stage = staging.begin(clone=False)
        assert (stage / "conda-meta").readlink().parent == room, "records lie in memory meanwhile"
        (stage / "conda-meta/numpy.json").write_text("old")
        staging.finish({"numpy.json": "new"})
        staging.switch()
    assert content(prefix) == {"conda-meta/numpy.json": "new"}
    assert beside(prefix) == ["env"]
    assert list(room.iterdir()) == []


def test_a_copy_shares_its_files_and_not_its_records(prefix: Path) -> None:
    fill(prefix, "old")
    with hold(prefix, waiting=nobody) as staging:
        stage = staging.begin(clone=True)
        assert (stage / "lib/umath.so").samefile(prefix / "lib/umath.so")
        assert (stage / "lib/link").readlink() == Path("umath.so")
        (stage / "conda-meta/numpy.json").write_text("new")
        assert (prefix / "conda-meta/numpy.json").read_text() == "old"


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "renamed twice"])
def test_one_in_place_is_replaced(prefix: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(*_: object, **__: object) -> None:
        raise OSError("a C library without renameat2")

    if not exchange:
        monkeypatch.setattr(ctypes, "CDLL", lack)
    fill(prefix, "old")
    with hold(prefix, waiting=nobody) as staging:
        stage = staging.begin(clone=True)
        (stage / "lib/new").write_text("new")
        staging.finish({})
        staging.switch()
        assert len(beside(prefix)) == 2, "what was there is there until all is done"
    assert content(prefix)["lib/new"] == "new"
    assert beside(prefix) == ["env"]


def test_an_empty_folder_is_replaced(prefix: Path) -> None:
    prefix.mkdir()
    with hold(prefix, waiting=nobody) as staging:
        staging.begin(clone=False)
        staging.finish({})
        staging.switch()
    assert (prefix / "conda-meta").is_dir()


def test_what_fails_leaves_nothing_and_changes_nothing(prefix: Path, room: Path) -> None:
    fill(prefix, "old")
    with pytest.raises(ZeroDivisionError), hold(prefix, waiting=nobody) as staging:
        (staging.begin(clone=True) / "lib/new").write_text("new")
        raise ZeroDivisionError
    assert set(content(prefix).values()) == {"old"}
    assert beside(prefix) == ["env"]
    assert list(room.iterdir()) == []


def test_folders_that_were_made_for_it_go_with_it(prefix: Path) -> None:
    deep = prefix.parent / "a/b/env"
    with pytest.raises(ZeroDivisionError), hold(deep, waiting=nobody):
        raise ZeroDivisionError
    assert beside(prefix) == []


@pytest.mark.parametrize(
    ("prefix_there", "olds", "stages", "survivor"),
    [
        (True, [], ["1"], "env"),
        (True, ["1"], [], "env"),
        (True, ["1"], ["1"], "env"),
        (False, ["1"], ["1"], "old-1"),
        (False, ["1", "2"], [], "old-2"),
        (False, [], ["1"], None),
    ],
)
def test_what_a_killed_run_left_is_put_right(
    prefix: Path, prefix_there: bool, olds: list[str], stages: list[str], survivor: str | None
) -> None:
    """Of another process: killed while it built, after it had exchanged, or between its two renames."""
    if prefix_there:
        fill(prefix, "env")
    for number in olds:
        fill(prefix.with_name(f".env.old-{number}"), f"old-{number}")
    for number in stages:
        fill(prefix.with_name(f".env.stage-{number}"), "stage")
    (prefix.parent / ".environment.stage-1").mkdir()
    with hold(prefix, waiting=nobody):
        assert (set(content(prefix).values()) if prefix.exists() else {None}) == {survivor}
        assert beside(prefix) == sorted([".environment.stage-1", *(["env"] if survivor else [])])


def test_what_a_killed_run_left_in_memory_goes_too(prefix: Path, room: Path) -> None:
    stage = prefix.with_name(".env.stage-1")
    stage.mkdir()
    memory.lend(stage / "conda-meta")
    assert list(room.iterdir()) != []
    with hold(prefix, waiting=nobody):
        assert list(room.iterdir()) == []


def test_one_at_a_time(prefix: Path) -> None:
    told: list[str] = []
    with hold(prefix, waiting=nobody):
        with pytest.raises(PrefixBusyError) as caught, hold(prefix, waiting=lambda: told.append("."), wait_seconds=0):
            pass
        assert str(prefix) in caught.value.evidence[0]
    assert told == ["."]
    with hold(prefix, waiting=nobody):
        pass


def test_the_lock_is_the_folders_own(prefix: Path) -> None:
    """So no file is left lying about, and another prefix beside it waits as well."""
    with hold(prefix, waiting=nobody):
        assert beside(prefix) == []
        folder = os.open(prefix.parent, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(folder)


@pytest.mark.parametrize("where", ["/proc/env", "/proc/1/deep/env", "{home}/file/env"])
def test_where_nothing_can_be_made(prefix: Path, where: str) -> None:
    (prefix.parent / "file").touch()
    place = Path(where.format(home=prefix.parent))
    with pytest.raises(PrefixNotWritableError) as caught, hold(place, waiting=nobody) as staging:
        staging.begin(clone=False)
    assert str(place.parent) in caught.value.evidence[0]
