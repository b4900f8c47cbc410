"""What Tab offers, by the script alone."""

from __future__ import annotations

import argparse
import shutil
import subprocess

import pytest

from bootstrap import cli
from bootstrap.cli.completion import script
from tests.support import ROOT

COMMANDS = next(a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices


def offered(*words: str) -> list[str]:
    typed = " ".join(f"'{word}'" for word in words)
    line = f'COMP_WORDS=(bootstrap {typed}); COMP_CWORD={len(words)}; _bootstrap; printf "%s\\n" "${{COMPREPLY[@]}}"'
    command = ["bash", "-c", f"{script('bash', COMMANDS)}\n{line}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["re"], ["restore", "render"]),
        (["restore", "--o"], ["--offline"]),
        (["restore", "--variant", ""], ["auto", "cpu", "cuda"]),
        (["guard", ""], ["on", "off", "status"]),
        (["explain", "hash"], ["hash-mismatch"]),
        (["diagnose", f"{ROOT}/READ"], [f"{ROOT}/README.md"]),
        (["restore", "-p", f"{ROOT}/boot"], [f"{ROOT}/bootstrap"]),
        (["restore", "--lock", f"{ROOT}/conda-lock-"], [f"{ROOT}/conda-lock-cuda.yml"]),
    ],
)
def test_bash(words: list[str], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_every_command_is_offered() -> None:
    assert set(COMMANDS) < set(offered(""))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_it(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell}")
    done = subprocess.run([program, "-n"], input=script(shell, COMMANDS), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == script("bash", COMMANDS)
