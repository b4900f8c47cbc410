"""The machine as it was, and the way back."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from bootstrap._util.atomic import write_atomically
from bootstrap.errors import JournalError, UndoError
from bootstrap.runtime import journal as journal_module
from bootstrap.runtime.journal import STATE_VARIABLE, Journal, state_folder
from tests.support.kill import until


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def tree(folder: Path) -> dict[str, object]:
    """Everything below a folder that undo answers for."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        if path.is_symlink():
            found[str(path)] = ("link", os.readlink(path))
        elif path.is_dir():
            found[str(path)] = ("folder", info.st_mode)
        else:
            found[str(path)] = ("file", info.st_mode, info.st_mtime_ns, path.read_bytes())
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    root = tmp_path / "machine"
    (root / "bin").mkdir(parents=True)
    (root / "bin/python3.12").write_bytes(b"\x7fELF")
    (root / "bin/python3").symlink_to("python3.12")
    (root / "etc").mkdir()
    (root / "etc/config.py").write_text("a = 1\n")
    (root / "etc/config.py").chmod(0o640)
    os.utime(root / "etc/config.py", ns=(10**18, 10**18))
    return root


def change(root: Path, journal: Journal, steps: int) -> None:
    """What a set-up does, up to some step."""
    for done, (path, act) in enumerate(
        (
            (root / "bin/python3.real", lambda p: p.symlink_to("python3.12")),
            (root / "bin/python3", lambda p: write_atomically(p, "#!/bin/bash\n", mode=0o755)),
            (root / "etc/config.py", lambda p: p.write_text("b = 2\n")),
            (root / "new/deep/file", lambda p: (p.parent.mkdir(parents=True), p.write_text("x"))),
            (root / "opt", lambda p: ((p / "conda/lib").mkdir(parents=True), (p / "conda/lib/x").write_text("x"))),
        )
    ):
        if done == steps:
            return
        journal.keep(path)
        act(path)


@pytest.mark.parametrize("steps", range(6))
def test_undo_from_any_state(steps: int, machine: Path, journal: Journal) -> None:
    before = tree(machine)
    change(machine, journal, steps)
    assert (tree(machine) == before) is (steps == 0)
    changed = Journal(journal.folder).undo()
    assert tree(machine) == before
    assert bool(changed) is (steps > 0)
    assert not journal.folder.exists()


@pytest.mark.parametrize("what", ["set-up", "undo"])
def test_killed_at_any_step_undo_comes_to_its_end(
    what: str, tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(journal_module, "_SECONDS_TO_COMPILE", 0.0)
    before, folder = tree(machine), tmp_path / "state"
    step, killed = 0, True
    while killed:
        step += 3  # `make soak` takes each
        if what == "set-up":
            killed = until(step, partial(change, machine, Journal(folder), 5))
        else:
            change(machine, Journal(folder), 5)
            killed = until(step, Journal(folder).undo)
        Journal(folder).undo()
        assert tree(machine) == before, f"step {step}"
        assert not folder.exists(), f"step {step}"
    assert step > 20


@pytest.mark.parametrize("place", ["state", "named", "own"])
def test_nothing_of_others_is_deleted(place: str, machine: Path, tmp_path: Path) -> None:
    """Whatever folder the variable names, and whatever came into folders that were made here."""
    folder = tmp_path / "state"
    (folder / "sub").mkdir(parents=True)
    mine = folder / ("mine" if place == "state" else "000-config.py" if place == "named" else "journal.d/mine")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    journal = Journal(folder)
    if place == "own":
        with pytest.raises(JournalError):
            journal.keep(machine / "etc/config.py")
        assert not (folder / "journal.json").exists()
    else:
        change(machine, journal, 5)
        (machine / "new/deep/mine").write_text("mine")
        Journal(folder).undo()
        assert (machine / "new/deep/mine").read_text() == "mine"
        assert not (machine / "new/deep/file").exists()
    assert mine.read_text() == "mine"
    assert (folder / "sub").is_dir()
    assert not (folder / "journal.json").exists()


def test_a_folder_in_the_place_of_a_file_is_not_deleted_with_what_it_holds(machine: Path, journal: Journal) -> None:
    config = machine / "etc/config.py"
    journal.keep(config)
    config.unlink()
    config.mkdir()
    (config / "mine").write_text("mine")
    with pytest.raises(UndoError):
        journal.undo()
    assert (config / "mine").read_text() == "mine"


def test_a_state_folder_that_can_not_be_written(machine: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError) as caught:
        Journal(tmp_path / "file/state").keep(machine / "etc/config.py")
    assert STATE_VARIABLE in caught.value.hint


def test_the_first_image_stays(machine: Path, journal: Journal) -> None:
    config = machine / "etc/config.py"
    journal.keep(config)
    config.write_text("b = 2\n")
    again = Journal(journal.folder)
    again.keep(config)
    assert again.paths == (str(config),)
    again.undo()
    assert config.read_text() == "a = 1\n"


@pytest.mark.parametrize("how", ["content", "mode", "time"])
def test_a_file_is_as_it_was_in_all(how: str, machine: Path, journal: Journal) -> None:
    before, config = tree(machine), machine / "etc/config.py"
    journal.keep(config)
    times = config.stat().st_atime_ns, config.stat().st_mtime_ns
    if how == "content":  # of the same length and time
        config.write_text("z = 9\n")
        os.utime(config, ns=times)
    elif how == "mode":
        config.chmod(0o644)
    else:
        config.touch()
    assert journal.undo() == [str(config)]
    assert tree(machine) == before


def test_the_last_changed_is_put_back_first(machine: Path, journal: Journal) -> None:
    first, last = machine / "etc/config.py", machine / "bin/python3"
    for path in (first, last):
        journal.keep(path)
        path.unlink()
    assert journal.undo() == [str(last), str(first)]


def test_what_was_not_changed_is_not_touched(machine: Path, journal: Journal) -> None:
    journal.keep(machine / "etc/config.py", machine / "bin/python3")
    inode = (machine / "etc/config.py").stat().st_ino
    assert journal.undo() == []
    assert (machine / "etc/config.py").stat().st_ino == inode


def test_a_folder_that_was_there_keeps_what_came_into_it(machine: Path, journal: Journal) -> None:
    journal.keep(machine / "etc")
    (machine / "etc/mine").write_text("x")
    journal.undo()
    assert (machine / "etc/mine").exists()


def test_a_file_that_became_a_folder(machine: Path, journal: Journal) -> None:
    config = machine / "etc/config.py"
    journal.keep(config)
    config.unlink()
    (config / "sub").mkdir(parents=True)
    journal.undo()
    assert config.read_text() == "a = 1\n"


def test_spared_paths_stay_and_the_journal_goes_on(machine: Path, journal: Journal) -> None:
    change(machine, journal, 5)
    journal.undo(spare=(machine / "opt",))
    assert (machine / "opt/conda").exists()
    Journal(journal.folder).undo()
    assert not (machine / "opt").exists()


def test_what_can_not_be_put_back_is_named_and_the_rest_is(machine: Path, journal: Journal) -> None:
    before = tree(machine)
    change(machine, journal, 5)
    (machine / "etc/config.py").unlink()
    (machine / "etc").rmdir()
    (machine / "etc").write_text("in its place")
    with pytest.raises(UndoError) as caught:
        journal.undo()
    assert caught.value.evidence == (f"{machine / 'etc/config.py'}: File exists",)
    assert not (machine / "opt").exists()
    (machine / "etc").unlink()
    (machine / "etc").mkdir()
    Journal(journal.folder).undo()
    assert tree(machine) == before


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "images": [1], "facts": {}}']
)
def test_a_journal_that_can_not_be_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text(text)
    with pytest.raises(JournalError):
        Journal(tmp_path)


def test_facts_are_kept(journal: Journal) -> None:
    journal.note(prefix="/opt/conda")
    assert Journal(journal.folder).facts == {"prefix": "/opt/conda"}


def test_the_environment_of_a_kernel_is_nobody_elses_to_read(journal: Journal) -> None:
    journal.note(environment={"TOKEN": "secret"})
    for path in (journal.folder, journal.own, journal.file):
        assert path.stat().st_mode & 0o077 == 0


def test_where_the_journal_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    assert state_folder() == tmp_path
    monkeypatch.delenv(STATE_VARIABLE)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder() == Path("/var/lib/condacolab-bootstrap")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "condacolab-bootstrap"


def test_a_journal_stays_until_all_else_is_deleted(
    machine: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(machine, journal, 5)

    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(journal_module.shutil, "rmtree", refuse)
        with pytest.raises(UndoError):
            journal.undo()
    assert journal.file.exists()
    Journal(journal.folder).undo()
    assert not journal.folder.exists()


def test_a_folder_that_may_not_be_removed_is_undone_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "state")
    journal.keep(tmp_path / "above/file")
    (tmp_path / "above").mkdir()
    with monkeypatch.context() as refused:
        refused.setattr(Path, "rmdir", lambda path: os.rmdir(path / "no such"))
        with pytest.raises(UndoError, match=r"couldn't be undone"):
            journal.undo()
    Journal(tmp_path / "state").undo()
    assert not (tmp_path / "above").exists()
