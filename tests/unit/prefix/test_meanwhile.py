"""What is written into an environment while a restore works on its copy."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from bootstrap.prefix import meanwhile, staging
from bootstrap.prefix.paths import ASIDE
from bootstrap.prefix.staging import hold
from tests.support.kill import kill_at, until

OWNED = {"lib/numpy.py", "conda-meta/numpy.json"}


@pytest.fixture
def prefix(tmp_path: Path, room: Path) -> Path:
    place = tmp_path / "env"
    for path in ("lib/numpy.py", "lib/mine.py", "lib/gone.py", "conda-meta/numpy.json", "conda-meta/pinned"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("old")
    return place


def nobody() -> None:
    pytest.fail("nobody else is at work")


def replace(path: Path, text: str) -> None:
    """As pip and editors do: another file takes the place."""
    beside = path.with_name("beside")
    beside.write_text(text)
    beside.replace(path)


def test_it_is_there_afterwards(prefix: Path) -> None:
    with hold(prefix, waiting=nobody) as staging:
        stage = staging.begin(clone=True)
        replace(stage / "lib/numpy.py", "locked")
        (stage / "conda-meta/numpy.json").write_text("locked")
        (prefix / "deep/er").mkdir(parents=True)
        (prefix / "deep/er/new.py").write_text("new")
        (prefix / "deep/link").symlink_to("er")
        (prefix / "empty").mkdir()
        (prefix / "lib/__pycache__").mkdir()
        (prefix / "lib/__pycache__/numpy.pyc").write_text("of the old source")
        replace(prefix / "lib/mine.py", "new")
        (prefix / "conda-meta/pinned").write_text("new")
        (prefix / "lib/gone.py").unlink()
        replace(prefix / "lib/numpy.py", "pip's")
        staging.finish({})
        assert staging.switch(OWNED) == ["lib/numpy.py"], "what a package has the place of is set aside"
    found = {str(p.relative_to(prefix)): p.read_text() for p in prefix.rglob("*") if p.is_file()}
    assert found == {
        "lib/numpy.py": "locked",
        "lib/mine.py": "new",
        "conda-meta/numpy.json": "locked",
        "conda-meta/pinned": "new",
        "deep/er/new.py": "new",
        f"{ASIDE}/lib/numpy.py": "pip's",
    }
    assert (prefix / "deep/link").readlink() == Path("er")
    assert (prefix / "empty").is_dir()


def test_a_folder_that_somebody_fills(prefix: Path) -> None:
    place = prefix.with_name("fresh")
    place.mkdir(mode=0o700)
    with hold(place, waiting=nobody) as staging:
        (staging.begin(clone=False) / "lib").mkdir()
        (place / "lib").mkdir()
        (place / "lib/mine").write_text("mine")
        (place / "conda-meta").mkdir()
        (place / "conda-meta/pinned").write_text("mine")
        staging.finish({})
        assert staging.switch() == []
    assert (place / "lib/mine").read_text() == (place / "conda-meta/pinned").read_text() == "mine"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_after_the_last_look(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes between the look and the switch lies in what was the prefix, and is looked for there again."""
    with hold(prefix, waiting=nobody) as staging:
        staging.begin(clone=True)
        staging.finish({})
        look = meanwhile.look

        def late(folder: str) -> meanwhile.Seen:
            found = look(folder)
            (prefix / "late").write_text("late")
            monkeypatch.undo()
            return found

        monkeypatch.setattr(meanwhile, "look", late)
        staging.switch()
    assert (prefix / "late").read_text() == "late"


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "renamed twice"])
def test_killed_right_after_the_switch(prefix: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step until the end: the next run finishes, and keeps what was written into the new one since."""
    shutil.copytree(prefix, kept := prefix.with_name("kept"))
    swap, outstanding = staging._exchange, 0

    def late(one: Path, other: Path) -> bool:
        """Somebody writes into the old one until it has become the new one."""
        replace(prefix / "lib/numpy.py", "pip's")
        replace(prefix / "lib/mine.py", "new")
        (prefix / "lib/fresh").mkdir()
        (prefix / "lib/fresh/new.py").write_text("new")
        (prefix / "lib/both.py").write_text("new")
        (prefix / "lib/gone.py").unlink()
        done = exchange and swap(one, other)
        kill_at(step)
        return done

    def act() -> None:
        with hold(prefix, waiting=nobody) as held:
            replace(held.begin(clone=True) / "lib/numpy.py", "locked")
            held.finish({})
            held.switch(OWNED)

    monkeypatch.setattr(staging, "_exchange", late)
    for step in itertools.count(1):
        shutil.rmtree(prefix)
        shutil.copytree(kept, prefix)
        killed = until(sys.maxsize, act)
        if since := killed and prefix.exists() and not (prefix / "lib/both.py").exists():
            (prefix / "lib/both.py").write_text("newer")
        unfinished = staging.unfinished(prefix)
        outstanding += unfinished
        with hold(prefix, waiting=nobody) as held:
            assert (held.late is not None) == unfinished
        wanted = {
            "lib/numpy.py": "locked",
            "lib/mine.py": "new",
            "lib/fresh/new.py": "new",
            "lib/both.py": "newer" if since else "new",
            "conda-meta/numpy.json": "old",
            "conda-meta/pinned": "old",
            f"{ASIDE}/lib/numpy.py": "pip's",
        }
        if since:
            wanted[f"{ASIDE}/lib/both.py"] = "new"
        if not exchange and step <= 2:  # before both renames: the old one is back
            wanted["lib/numpy.py"] = wanted.pop(f"{ASIDE}/lib/numpy.py")
        assert {str(p.relative_to(prefix)): p.read_text() for p in prefix.rglob("*") if p.is_file()} == wanted, step
        assert sorted(path.name for path in prefix.parent.iterdir()) == ["env", "kept", "memory"]
        if not killed:
            break
    assert outstanding > 8


def test_a_copy_has_modes_times_and_owners(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "folder").mkdir(parents=True)
    (source / "folder/file").write_text("x")
    (source / "conda-meta").mkdir()
    (source / "conda-meta/pinned").write_text("x")
    os.utime(source / "folder", (1, 1))
    (source / "conda-meta/pinned").chmod(0o600)
    (source / "folder").chmod(0o711)
    if os.geteuid() == 0:
        for path in ("folder", "conda-meta/pinned", ""):
            os.chown(source / path, 1234, 1234)
    (target / "conda-meta").mkdir(parents=True)
    meanwhile.clone(str(source), str(target))
    for path in ("", "folder", "folder/file", "conda-meta/pinned"):
        one, other = (source / path).stat(), (target / path).stat()
        assert (one.st_mode, one.st_uid, one.st_gid) == (other.st_mode, other.st_uid, other.st_gid), path
        assert one.st_mtime_ns == other.st_mtime_ns, path


def test_records_that_are_links_are_copied(tmp_path: Path) -> None:
    """The copy is written to; what a link leads to is somebody else's."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "conda-meta").mkdir(parents=True)
    (target / "conda-meta").mkdir(parents=True)
    (tmp_path / "mine").write_text("mine")
    (source / "conda-meta/history").symlink_to(tmp_path / "mine")
    (source / "conda-meta/nowhere").symlink_to("nothing")
    meanwhile.clone(str(source), str(target))
    assert not (target / "conda-meta/history").is_symlink()
    assert (target / "conda-meta/history").read_text() == "mine"
    assert (target / "conda-meta/nowhere").is_symlink()


def test_what_vanishes_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in ("one", "two"):
        (source / folder).mkdir(parents=True)
        (source / folder / "file").write_text("x")
    target.mkdir()
    link = os.link

    def vanish(one: str, *args: object, **options: object) -> None:
        (source / "one/file").unlink(missing_ok=True)
        (source / "two/file").unlink(missing_ok=True)
        link(one, *args, **options)

    monkeypatch.setattr(os, "link", vanish)
    assert set(meanwhile.clone(str(source), str(target))) == {"one", "two"}
