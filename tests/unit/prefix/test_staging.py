"""The places around a prefix: what is built beside it, how it gets there, and what a killed run leaves."""

from __future__ import annotations

import ctypes
import fcntl
import os
from pathlib import Path

import pytest

from bootstrap.errors import InTheWayError, PrefixBusyError, PrefixNotWritableError
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
        assert len(beside(prefix)) == 3, "what was there is there until all is done, and a mark that names it"
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


def killed(prefix: Path, *, at: str) -> None:
    """What a killed run leaves: at its first step, while it builds, between two renames, after the switch."""
    staging = Staging(prefix)
    staging.begin(clone=prefix.exists())
    (staging.stage / "lib").mkdir(exist_ok=True)
    if at == "first":
        staging.clean()
        staging._mark.touch()
    elif at in ("renaming", "renamed"):
        prefix.rename(staging._old)
        if at == "renamed":
            staging.finish({})
            staging.stage.rename(prefix)


@pytest.mark.parametrize(
    ("there", "at"),
    [(False, "first"), (False, "building"), (True, "building"), (True, "renaming"), (True, "renamed")],
)
def test_what_a_killed_run_left_is_put_right(prefix: Path, room: Path, there: bool, at: str) -> None:
    if there:
        fill(prefix, "old")
    users = [".env.stage-1", ".env.old-backup", ".env.stage-0123456789abcdef", ".environment.stage-1"]
    for name in users:
        fill(prefix.with_name(name), "mine")
    killed(prefix, at=at)
    with hold(prefix, waiting=nobody):
        assert (set(content(prefix).values()) if prefix.exists() else {None}) == {"old" if there else None}
        assert beside(prefix) == sorted([*users, *(["env"] if there else [])]), "what a user calls so stays"
        assert list(room.iterdir()) == []


@pytest.mark.parametrize("what", ["text", "folder", "link"])
def test_what_only_has_our_marks_name_stays(prefix: Path, what: str) -> None:
    mark = prefix.with_name(".env.condacolab-bootstrap")
    if what == "folder":
        mark.mkdir()
    elif what == "link":
        mark.symlink_to("env")
    else:
        mark.write_text("mine")
    with pytest.raises(InTheWayError, match="beside the prefix"), hold(prefix, waiting=nobody):
        pass
    assert beside(prefix) == [mark.name]


@pytest.mark.parametrize("name", ["env[1]", "*", "env?"])
def test_a_name_is_no_pattern(prefix: Path, name: str) -> None:
    mine = prefix.with_name(".env1.stage-1")
    mine.mkdir()
    place = prefix.with_name(name)
    killed(place, at="building")
    with hold(place, waiting=nobody):
        assert beside(prefix) == [mine.name]


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
