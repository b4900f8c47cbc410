"""Temporary folders: whose are deleted, and whose are not."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from bootstrap.scratch import scratch_folder


def test_what_a_killed_run_left_goes_and_all_else_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = "condacolab-bootstrap-scratch-"
    for step in ("made", "marked", "filled"):
        (tmp_path / f"{name}{step}").mkdir()
    (tmp_path / f"{name}marked/.in-use").touch()
    (tmp_path / f"{name}filled/mine").write_text("mine")
    if not (pid := os.fork()):
        with scratch_folder() as folder:
            (folder / "x").touch()
            os._exit(0)
    os.waitpid(pid, 0)
    with scratch_folder() as one, scratch_folder() as other:
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([one.name, other.name, f"{name}filled"])
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}filled"]


def test_folders_made_at_once_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    makers = []
    for _ in range(6):
        if not (pid := os.fork()):
            failed = 1
            try:
                for _ in range(150):
                    with scratch_folder() as folder:
                        (folder / "x").write_text("x")
                        assert (folder / "x").exists()
                failed = 0
            finally:
                os._exit(failed)
        makers.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in makers] == [0] * len(makers)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_somebody_keeps_on_the_place_does_not_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with scratch_folder() as folder:
        assert folder.is_dir()
    os.close(held)
