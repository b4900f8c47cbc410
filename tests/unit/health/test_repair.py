"""What is done about causes, and in which order."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.errors import RepairFailedError, RepairLockMissingError
from bootstrap.health import Cause, Report
from bootstrap.health.model import Action
from bootstrap.health.repair import ASIDE, plan, repair
from bootstrap.prefix.manifest import Manifest, write_manifest
from tests.support import kill
from tests.support.__init__ import one_of

if TYPE_CHECKING:
    from pathlib import Path


def cause(severity: str, *actions: Action) -> Cause:
    return Cause(f"c-{severity}", severity, "It is so.", repair="Do.", actions=actions)  # type: ignore[arg-type]


def report(prefix: Path, *causes: Cause, **options: Any) -> Report:
    return replace(Report(str(prefix / "bin/python"), str(prefix), "2.0", causes, (), 0.1, 3), **options)


def test_the_plan_has_an_order_and_no_repetition(tmp_path: Path) -> None:
    pip, restore = Action("pip", ("python", "-m", "pip")), Action("restore", ("/p",))
    aside, restart = Action("set-aside", ("/p/f",)), Action("restart")
    delete = Action("delete", ("/p/g",))
    found = plan(report(tmp_path, cause("broken", restore, pip, restart), cause("doubtful", delete, aside, restore)))
    assert found == [aside, delete, restore, pip]
    assert "put the lock's files back" in [str(action) for action in found]


def test_nothing_to_do_is_no_check(tmp_path: Path) -> None:
    one = report(tmp_path, cause("note"), cause("broken", Action("restart")))
    assert repair(one) is one


def test_a_restore_without_a_lock(tmp_path: Path) -> None:
    with pytest.raises(RepairLockMissingError) as caught:
        repair(report(tmp_path, cause("broken", Action("restore", (str(tmp_path),)))))
    assert caught.value.exit_code == 51


@pytest.mark.parametrize("command", [("false",), ("/no/such/program",)])
def test_a_command_that_fails(tmp_path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(RepairFailedError) as caught:
        repair(report(tmp_path, cause("broken", Action("pip", command))))
    assert caught.value.evidence[0] == command[0]


@pytest.mark.parametrize(
    "last", ["no lock", "not ours", "pip can't fetch", "pip fails", "a file that can't be moved"]
)
def test_a_repair_that_fails_leaves_all_as_it_was(tmp_path: Path, last: str) -> None:
    prefix = tmp_path / "env"
    (prefix / "conda-meta").mkdir(parents=True)
    if last == "no lock":
        write_manifest(prefix, Manifest({}, {}, {}))
    aside, delete, folder = prefix / "lib" / "a.so", prefix / "b.pyc", prefix / "numpy-1.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_text("x")
    aside.parent.mkdir()
    aside.symlink_to("nowhere")
    delete.write_text("y")
    before = sorted(map(str, prefix.rglob("*")))
    moved = [Action("set-aside", (str(aside),)), *(Action("delete", (str(path),)) for path in (delete, folder))]
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\ntest "$1" = wheel\n')
    pip.chmod(0o755)
    command = ("false" if last == "pip can't fetch" else str(pip), "install", "--no-deps", "numpy==1.0")
    steps = {
        "pip can't fetch": Action("pip", command),
        "pip fails": Action("pip", command),
        "a file that can't be moved": Action("delete", (str(tmp_path / "pip"),)),
    }
    end = steps.get(last, Action("restore", (str(prefix),)))
    said: list[str] = []
    with pytest.raises(RepairLockMissingError if end.kind == "restore" else RepairFailedError):
        repair(report(prefix, cause("broken", *moved, end)), progress=said.append)
    assert sorted(map(str, prefix.rglob("*"))) == before
    assert (folder / "RECORD").read_text() == "x"
    # What can be known beforehand is known before anything is moved.
    assert any(words.startswith("set aside") for words in said) is (
        last in ("pip fails", "a file that can't be moved")
    )


def test_the_advice_is_conda_where_bootstrap_did_not_make_the_environment(tmp_path: Path) -> None:
    way = Cause(
        "c", "broken", "It is so.", repair="Run `conda install x`.", actions=(Action("restore", (str(tmp_path),)),)
    )
    with pytest.raises(RepairLockMissingError) as caught:
        repair(report(tmp_path, way))
    assert caught.value.hint == "Run `conda install x`."


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """One that only fails: the check after the repair says so, and nothing more is done."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    return python


def test_files_are_moved_with_their_paths_kept_and_nothing_is_lost(tmp_path: Path, interpreter: Path) -> None:
    path, kept = tmp_path / "lib" / "left.py", tmp_path / ASIDE / "lib" / "left.py"
    for target in (path, kept):
        target.parent.mkdir(parents=True)
        target.write_text(str(target))
    said: list[str] = []
    gone = Action("set-aside", (str(tmp_path / "lib" / "went.py"),))
    after = repair(report(tmp_path, cause("broken", Action("set-aside", (str(path),)), gone)), progress=said.append)
    assert [one.id for one in after.causes] == ["python-does-not-start"]
    assert not path.exists()
    assert kept.read_text() == str(kept)
    assert kept.with_name("left.py.2").read_text() == str(path)
    assert said == [f"set aside {path}", str(gone), "check again"]


def test_a_repair_that_would_make_it_worse_is_taken_back(tmp_path: Path, interpreter: Path) -> None:
    path = tmp_path / "needed.so"
    path.touch()
    with pytest.raises(RepairFailedError, match="made things worse"):
        repair(report(tmp_path, cause("doubtful", Action("set-aside", (str(path),)))))
    assert path.exists()
    assert not (tmp_path / ASIDE).exists()


def test_files_folders_and_links_are_deleted(tmp_path: Path, interpreter: Path) -> None:
    folder, file, link, goal = (tmp_path / name for name in ("folder", "file", "link", "goal"))
    for made in (folder, goal):
        (made / "below").mkdir(parents=True)
    file.touch()
    link.symlink_to(goal)
    repair(report(tmp_path, cause("broken", *(Action("delete", (str(p),)) for p in (folder, file, link)))))
    assert sorted(os.listdir(tmp_path)) == ["bin", "goal"]
    assert (goal / "below").is_dir()


def test_what_can_not_be_moved(tmp_path: Path, interpreter: Path) -> None:
    (tmp_path / ASIDE).touch()
    path = tmp_path / "left.py"
    path.touch()
    with pytest.raises(RepairFailedError, match=r"left\.py can't be removed"):
        repair(report(tmp_path, cause("broken", Action("set-aside", (str(path),)))))
    assert path.exists()


@pytest.mark.parametrize("every", one_of(5, 1))
def test_killed_at_any_step_the_next_repair_ends_as_the_first_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Whatever was there is there after the kill, too: in its place or aside."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what a killed one leaves
    for step in count(3, every):
        prefix = tmp_path / f"env-{step}"
        python, pip = prefix / "bin" / "python", prefix / "bin" / "pip"
        intruder, link, stale = (prefix / "lib" / name for name in ("numpy.py", "core.py", "core.pyc"))
        for path in (python, intruder, stale):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\nexit 1\n# {path.name}\n")
        python.chmod(0o755)
        link.symlink_to("nowhere")
        pip.write_text(f"#!/bin/sh\ntest $1 = wheel || echo new > {link}\n")
        pip.chmod(0o755)
        asked = [Action("set-aside", (str(path),)) for path in (intruder, link)]
        asked += [Action("delete", (str(stale),)), Action("pip", (str(pip), "install", "--no-deps", "numpy==1.0"))]
        found = report(prefix, cause("broken", *asked))
        if not kill.until(step, lambda found=found: repair(found)):  # type: ignore[misc]
            break
        names = {path.name for path in prefix.rglob("*")}
        done = "core.pyc" not in names  # killed at its very end
        assert names >= {"numpy.py", "core.py"}
        assert any(path.is_symlink() for path in prefix.rglob("core.py*"))
        repair(found)
        there = {path.name for path in link.parent.iterdir()}
        # Put back and judged anew (this interpreter has no fault that can be mended), or done wholly.
        assert there in ({"numpy.py", "core.py", "core.pyc"}, {"core.py"}), step
        assert there == {"core.py"} or not done
        assert any(path.is_symlink() for path in prefix.rglob("core.py*"))
        assert not (prefix / ASIDE / ".unfinished").exists()
    assert step > 10
    assert {path.name for path in link.parent.iterdir()} == {"core.py"}
