"""Undo in a prefix where something still runs; whole machines are put back in tests/colab."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.probe_runner import CHILD
from bootstrap.prefix.environments_txt import environments_txt, register
from bootstrap.runtime.journal import STATE_VARIABLE, Journal
from bootstrap.runtime.kernel.launch import PROVE
from bootstrap.runtime.kernel.move import LAUNCH_MODULE
from bootstrap.runtime.undo import undo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What an import does in an environment: importlib makes the folders for its bytecode, all of them if need be.
_WRITES = 'echo; i=0; while :; do mkdir -p "$PREFIX/lib"; : > "$PREFIX/lib/$((i++)).pyc"; done'
_WAITS = "echo; read"


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix that a set-up began to make; its program is bash."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    prefix = tmp_path / "prefix"
    journal = Journal()
    journal.keep(prefix)
    journal.note(prefix=str(prefix))
    (prefix / "bin").mkdir(parents=True)
    shutil.copy("/bin/bash", prefix / "bin/python")
    return prefix


def start(stack: ExitStack, prefix: Path, script: str, words: Sequence[str]) -> subprocess.Popen[str]:
    """Runs a script by the prefix's program, with words on its command line, until the stack ends."""
    process = stack.enter_context(
        subprocess.Popen(
            [prefix / "bin/python", "-c", script, *words],
            env={"PREFIX": str(prefix), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.mark.parametrize(
    "words",
    [[str(CHILD), "{}"], ["start.py", "-m", "ipykernel_launcher", PROVE]],
    ids=["check", "proof"],
)
def test_what_a_killed_set_up_left_running_is_ended_first(words: list[str], prefix: Path) -> None:
    with ExitStack() as stack:
        probe = start(stack, prefix, _WRITES, words)
        kernel = start(stack, prefix, _WAITS, ["-m", LAUNCH_MODULE, "ipykernel_launcher", "-f", "kernel.json"])
        undone = undo()
        assert probe.wait(5) == -9
        assert kernel.poll() is None
        assert undone.running == (kernel.pid,)
        assert undone.changed == (str(prefix),)
        assert not prefix.exists()


def test_a_program_of_the_same_words_in_another_prefix_goes_on(prefix: Path, tmp_path: Path) -> None:
    shutil.copytree(prefix, tmp_path / "other")
    with ExitStack() as stack:
        other = start(stack, tmp_path / "other", _WAITS, [str(CHILD)])
        undo()
        assert other.poll() is None


def test_conda_is_told_that_the_environment_is_gone(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CONDA_REGISTER_ENVS")
    register(tmp_path / "other")
    register(prefix)
    undo()
    assert environments_txt().read_text() == f"{tmp_path}/other\n"
