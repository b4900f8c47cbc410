"""Whose variables and working folder count: a running kernel's, a kernel specification's, this process's."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from bootstrap import processes
from bootstrap.health.variables import Surroundings, surroundings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter on a machine without processes and specifications."""
    monkeypatch.setattr(processes, "PROC", tmp_path / "proc")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    found = tmp_path / "env" / "bin" / "python"
    found.parent.mkdir(parents=True)
    found.touch()
    return found


def process(folder: Path, pid: int, command: list[str], environment: str, *, parent: int = 1) -> None:
    place = folder / "proc" / str(pid)
    place.mkdir(parents=True)
    (place / "cmdline").write_bytes("\0".join([*command, ""]).encode())
    (place / "environ").write_bytes(environment.encode())
    (place / "stat").write_text(f"{pid} (a) b) S {parent} {'0 ' * 17}{pid} 0")
    (place / "cwd").symlink_to(folder / "work" if folder.joinpath("work").is_dir() else "/gone")


def specify(path: Path, first: object, **environment: object) -> None:
    path.mkdir(parents=True)
    (path / "kernel.json").write_text(json.dumps({"argv": [first, "-m", "ipykernel_launcher"], "env": environment}))


def test_without_either_they_are_this_processs(python: Path) -> None:
    assert surroundings(python) == Surroundings()


def test_the_youngest_kernels(python: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.symlink_to(python)
    kernel = ["-m", "ipykernel_launcher", "-f", "k.json"]
    process(tmp_path, 7, [str(python), *kernel], "A=7\0")
    process(tmp_path, 8, [str(python), *kernel], "A=8\0B=x=y\0nothing\0")
    process(tmp_path, 9, [str(other), *kernel], "A=9\0")
    process(tmp_path, 10, [str(python), "script.py", "-f", "kernel.txt"], "A=10\0")
    process(tmp_path, 11, [str(python), *kernel], "")  # another user's, say
    told = "in the running kernel, process 8"
    assert surroundings(python) == Surroundings({"A": "8", "B": "x=y"}, told), "its folder isn't there"


def test_what_a_kernel_has_started_has_its_variables(python: Path, tmp_path: Path) -> None:
    process(tmp_path, 4_200_000, [str(python), "-m", "ipykernel_launcher", "-f", "k.json"], "A=7\0")
    process(tmp_path, os.getpid(), ["bootstrap"], "", parent=4_200_000)
    assert surroundings(python) == Surroundings()


@pytest.mark.parametrize("parent", [1, 4_200_000])
def test_its_working_folder_is_where_the_kernel_is(parent: int, python: Path, tmp_path: Path) -> None:
    """Whether it has started this process or not: a shell's ``cd`` is no word to it."""
    (tmp_path / "work").mkdir()
    process(tmp_path, 4_200_000, [str(python), "-m", "ipykernel_launcher", "-f", "k.json"], "A=7\0")
    process(tmp_path, os.getpid(), ["bootstrap"], "", parent=parent)
    found = surroundings(python)
    assert (found.folder, found.kernel) == (tmp_path / "work", 4_200_000)
    assert found.folder_of == ("the working folder of the running kernel, process 4200000",)


@pytest.mark.parametrize(
    ("place", "first"), [("env/share/jupyter/kernels/python3", "python"), ("data/kernels/x", "")]
)
def test_a_specification_adds_to_them(place: str, first: str, python: Path, tmp_path: Path) -> None:
    specify(tmp_path / place, first or str(python), NPY_X="1", PATH="/mine:${PATH}")
    found = surroundings(python)
    assert found.variables == {**os.environ, "NPY_X": "1", "PATH": f"/mine:{os.environ['PATH']}"}
    assert found.told_by.startswith(f"by {tmp_path / place}/kernel.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"argv": []}', '{"argv": ["python"], "env": 3}', '{"argv": ["sh"]}']
)
def test_specifications_of_others_and_broken_ones(text: str, python: Path, tmp_path: Path) -> None:
    specify(tmp_path / "data/kernels/x", "/elsewhere/python", A="1")
    folder = tmp_path / "env/share/jupyter/kernels/y"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(text)
    assert surroundings(python) == Surroundings()
