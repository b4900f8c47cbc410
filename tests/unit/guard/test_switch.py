"""On and off: what is held, what is written, and that everything of others' comes back."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from bootstrap import guard
from bootstrap.errors import (
    GuardConfigurationError,
    GuardNothingLockedError,
    NotAnEnvironmentError,
    PrefixNotFoundError,
)
from bootstrap.guard import config_files
from bootstrap.guard.locked_packages import constraint_lines, held_packages, pin_lines
from bootstrap.prefix.manifest import Manifest, write_manifest
from tests.support import ROOT, one_of
from tests.support.kill import until

SITE = "lib/python3.13/site-packages"


def record(prefix: Path, name: str, version: str, build: str, *paths: str) -> str:
    """An installed package; the stem of its record."""
    data = {"name": name, "version": version, "build": build, "paths_data": {"paths": [{"_path": p} for p in paths]}}
    (prefix / f"conda-meta/{name}-{version}-{build}.json").write_text(json.dumps(data))
    return f"{name}-{version}-{build}"


def metadata(prefix: Path, folder: str, text: str) -> None:
    (prefix / SITE / folder).mkdir(parents=True)
    (prefix / SITE / folder / "METADATA").write_text(text)


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two locked packages, one of them pytorch, and one that is not locked."""
    for name in (config_files.UV_VARIABLE, config_files.PIP_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "conda-meta").mkdir()
    metadata(tmp_path, "numpy-2.4.6.dist-info", "Name: numpy\nVersion: 2.4.6\n\nName: not this\n")
    metadata(tmp_path, "torch-2.9.0.dist-info", "Metadata-Version: 2.1\nName: Torch\nVersion: 2.9.0+cpu\n")
    stems = [
        record(tmp_path, "numpy", "2.4.6", "py313_0", f"{SITE}/numpy-2.4.6.dist-info/METADATA"),
        record(
            tmp_path,
            "pytorch",
            "2.9.0",
            "cpu_0",
            f"{SITE}/torch-2.9.0.dist-info/METADATA",
            f"{SITE}/torch/_vendor/six-1.0.dist-info/METADATA",
            f"{SITE}/functorch-2.9.dist-info/METADATA",
        ),
    ]
    record(tmp_path, "stranger", "1.0", "0")
    write_manifest(tmp_path, Manifest({}, dict.fromkeys(stems, "00"), {}))
    return tmp_path


def test_what_is_held(prefix: Path) -> None:
    held = held_packages(prefix, None)
    assert pin_lines(held) == ["numpy 2.4.6 py313_0", "pytorch 2.9.0 cpu_0"]
    assert constraint_lines(prefix, held, "locked") == [
        "functorch==2.9,!=0+locked",
        "numpy==2.4.6,!=0+locked",
        "Torch==2.9.0+cpu,!=0+locked",
    ], "by their own metadata, else by the folder's name"


def test_a_lock_says_what_is_held_instead(prefix: Path) -> None:
    assert held_packages(prefix, ROOT / "conda-lock.yml") == [], "none of these is in that lock"


def test_what_cannot_be_guarded(prefix: Path) -> None:
    (prefix / "conda-meta/condacolab-bootstrap").unlink()
    with pytest.raises(GuardNothingLockedError):
        guard.on(prefix)
    with pytest.raises(PrefixNotFoundError):
        guard.on(prefix / "none")
    (prefix / "folder").mkdir()
    for verb in (guard.on, guard.off, guard.status):
        with pytest.raises(NotAnEnvironmentError):
            verb(prefix / "folder")


def test_on_off_and_never(prefix: Path) -> None:
    assert guard.status(prefix).state == "never"
    assert guard.off(prefix).state == "never", "what was never on is not switched"
    on = guard.on(prefix)
    assert (on.state, on.active, on.held) == ("on", True, 2)
    assert guard.on(prefix).since == on.since, "it is on already"
    off = guard.off(prefix)
    assert (off.state, off.active) == ("off", False)
    assert guard.on(prefix).active


def test_off_leaves_what_was_there_before(prefix: Path) -> None:
    pinned = config_files.pinned_path(prefix)
    pinned.write_text("numpy <2\ncuda-version 12.*\n")
    (prefix / "pip.conf").write_text("[global]\ntimeout = 60\n")
    on = guard.on(prefix)
    assert on.removed_pins == ("numpy <2",)
    assert "numpy <2" in str(on)
    assert guard.on(prefix).removed_pins == ("numpy <2",), "it is not forgotten by the second time"
    guard.off(prefix)
    assert sorted(pinned.read_text().splitlines()) == ["cuda-version 12.*", "numpy <2"]
    assert (prefix / "pip.conf").read_text() == "[global]\ntimeout = 60\n"
    assert not config_files.constraints_path(prefix).exists()


def test_a_part_that_is_missing_is_told(prefix: Path) -> None:
    guard.on(prefix)
    config_files.pinned_path(prefix).unlink()
    config_files.constraints_path(prefix).unlink()
    (prefix / "pip.conf").unlink()
    found = guard.status(prefix)
    (prefix / "conda-meta/state").unlink()
    found = guard.status(prefix)
    assert (found.state, found.active, len(found.undone)) == ("on", False, 4)
    assert "incomplete" in str(found)
    assert "bootstrap guard on" in str(found)
    assert guard.on(prefix).active


def test_the_environments_own_process_is_held_too(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(prefix))
    monkeypatch.setenv(config_files.PIP_VARIABLE, "mine.txt")
    guard.on(prefix)
    path = config_files.constraints_path(prefix)
    assert os.environ[config_files.UV_VARIABLE] == str(path)
    assert os.environ[config_files.PIP_VARIABLE] == f"mine.txt {path.as_uri()}"
    guard.off(prefix)
    assert config_files.UV_VARIABLE not in os.environ
    assert os.environ[config_files.PIP_VARIABLE] == "mine.txt"


def test_another_process_keeps_its_variables(prefix: Path) -> None:
    guard.on(prefix)
    assert config_files.UV_VARIABLE not in os.environ


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"schema": 99, "state": "on"}'])
def test_a_status_file_that_cannot_be_read_is_none(prefix: Path, text: str) -> None:
    guard.on(prefix)
    (prefix / "conda-meta/condacolab-bootstrap-guard").write_text(text)
    assert guard.status(prefix).state == "never"
    assert "guard off" in str(guard.status(prefix))
    guard.off(prefix)
    assert not (prefix / "pip.conf").exists()


def test_a_status_is_ready_for_json_and_for_a_notebook(prefix: Path) -> None:
    found = guard.on(prefix)
    assert json.loads(json.dumps(found.to_dict()))["active"] is True
    assert str(prefix) in found._repr_html_()


@pytest.mark.parametrize("then", one_of("off", "on"))
@pytest.mark.parametrize("what", ["on", "off"])
def test_killed_anywhere_it_tells_the_truth_and_comes_to_its_end(
    prefix: Path, what: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    pinned = config_files.pinned_path(prefix)
    pinned.write_text("numpy <2\nfoo 1.*\n")
    before = names(prefix)
    step, killed = 0, True
    while killed:
        step += 3  # `make soak` takes each
        if what == "off":
            guard.on(prefix)
        killed = until(step, partial(getattr(guard, what), prefix))
        found, there = guard.status(prefix), contents(prefix)
        if found.active:
            guard.on(prefix)
            assert contents(prefix) == there, f"step {step}: incomplete, though it says so"
        assert getattr(guard, then)(prefix).active is (then == "on")
        guard.off(prefix)
        assert sorted(pinned.read_text().splitlines()) == ["foo 1.*", "numpy <2"], f"step {step}"
        assert names(prefix) - before <= {"conda-meta/condacolab-bootstrap-guard"}, f"step {step}"
    assert step > 10


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("[!.]*") if path.is_file()}


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_link_is_not_written_through(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "pip.conf"
    other.write_text("[global]\n")
    (prefix / "pip.conf").symlink_to(other)
    with pytest.raises(GuardConfigurationError):
        guard.on(prefix)
    assert other.read_text() == "[global]\n"
    assert guard.status(prefix).state == "never"
