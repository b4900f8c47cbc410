"""The command line from outside: what it prints, and with which code it exits."""

from __future__ import annotations

import argparse
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import bootstrap
from bootstrap import cli, errors
from bootstrap.cli import status
from bootstrap.health.model import Action, Cause, Report
from bootstrap.prefix.restore_options import RestoreOptions
from tests.support import ROOT, locks

COMMANDS = tuple(next(a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices)


@dataclass(frozen=True)
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line in this process, in the project's folder."""
    monkeypatch.chdir(ROOT)

    def main(*arguments: object) -> Done:
        try:
            code: object = cli.main(list(map(str, arguments)))
        except SystemExit as leaving:
            code = leaving.code
        out, err = capsys.readouterr()
        return Done(int(str(code or 0)), out, err)

    return main


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command: str, run: Run) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"bootstrap {command}" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_alone_is_the_one_among_all(command: str) -> None:
    """Only its own module is imported when it is called."""
    alone = next(a for a in cli.parser(command)._actions if isinstance(a, argparse._SubParsersAction))
    assert command in alone.choices


@pytest.mark.parametrize("verb", ["run", "undo", "restore", "check", "status", "diagnose", "explain-lock", "explain"])
def test_a_command_has_an_option_for_each_parameter_of_its_verb(verb: str) -> None:
    """They are passed by name: one of another name would silently not be."""
    commands = next(a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    options = {action.dest for action in commands[verb]._actions}
    parameters = set(inspect.signature(getattr(bootstrap, verb.replace("-", "_"))).parameters)
    assert parameters - {"progress"} <= options


def test_restore_understands_the_options_that_run_passes_on(tmp_path: Path) -> None:
    """By way of condacolab's installer, as words."""
    options = RestoreOptions(cache=tmp_path, offline=True, adopt=True)
    args = cli.parser("restore").parse_args(["restore", *options.words])
    assert {name: getattr(args, name) for name in vars(options)} == vars(options)
    assert RestoreOptions().words == []


def test_an_error_has_its_code_and_no_traceback(run: Run, tmp_path: Path) -> None:
    for verbose in ([], ["-v"]):
        done = run("restore", "--lock", tmp_path / "none.yml", "--prefix", tmp_path / "env", *verbose)
        assert done.returncode == errors.LockNotFoundError.exit_code
        assert done.stdout == ""
        assert done.stderr.startswith("error: Can't read the lock file")
        assert "next: " in done.stderr
        assert "Traceback" not in done.stderr


def test_an_error_is_explained_by_name_and_by_code(run: Run) -> None:
    by_name, by_code = run("explain", "missing-hash"), run("explain", "15")
    assert by_name.returncode == by_code.returncode == 0
    assert by_name.stdout == by_code.stdout
    words = " ".join(by_name.stdout.split())
    assert "A record has no usable sha256" in words
    assert "md5 is not accepted instead" in words, "what the page says beyond the class"
    assert "url-scheme" not in words, "the next section"


def test_every_error_can_be_explained(run: Run) -> None:
    done = run("explain", "--json")
    every = {found["error"]: found for found in json.loads(done.stdout)}
    assert len(every) == len(errors.every_error())
    for kind in errors.every_error():
        found = every[kind.error_id()]
        assert kind("x").more == f"bootstrap explain {found['error']}"
        assert f"Exit code {kind.exit_code}, `{kind.__name__}`." in found["text"]
        page = bootstrap.explain(kind("x"))
        assert [label for label, _ in page.card.rows] == ["cause", "look", "do", "example"], "docs/troubleshooting"
        assert kind.hint in found["text"]


def test_an_error_as_json(run: Run, tmp_path: Path) -> None:
    lock = locks.write(tmp_path / "l.yml", locks.damaged(manager="pip"))
    done = run("explain-lock", "--lock", lock, "--json")
    assert done.returncode == errors.PipEntryError.exit_code
    found = json.loads(done.stdout)
    assert (found["error"], found["exit_code"]) == ("pip-entry", 14)
    assert found["evidence"]
    assert found["hint"]


def test_a_fault_of_the_program_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(status.api, "status", broken)
    done = run("status")
    assert done.returncode == errors.EXIT_INTERNAL
    assert "Internal error" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    with pytest.raises(ZeroDivisionError):
        cli.main(["status", "-v"])


@pytest.mark.parametrize("arguments", ["explain-lock libzlib", "explain", "--help", "explain --json"])
def test_a_reader_that_leaves_is_no_error(arguments: str) -> None:
    # One that reads nothing: a short output would fit into the pipe.
    command = f"set -o pipefail; {sys.executable} -m bootstrap {arguments} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_status_of_nothing(run: Run, tmp_path: Path) -> None:
    done = run("status", "--prefix", tmp_path / "env", "--cache", tmp_path / "cache")
    assert done.returncode == errors.EXIT_DOUBTFUL
    assert "nothing there yet" in done.stdout
    assert not (tmp_path / "cache").exists(), "status only looks"


def test_status_of_a_folder_that_no_restore_would_take(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    done = run("status", "--prefix", tmp_path)
    assert "files, but no conda environment" in done.stdout
    assert "bootstrap restore" not in done.stdout
    assert run("restore", "--prefix", tmp_path).returncode == errors.NotAnEnvironmentError.exit_code


def test_a_requirements_file_as_pip_takes_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def diagnose(source: object, **_: object) -> None:
        asked.append(source)
        raise errors.RequirementsNotFoundError("asked")

    monkeypatch.setattr(status.api, "diagnose", diagnose)
    run("diagnose", "-r", tmp_path / "r.txt")
    run("diagnose", tmp_path / "r.txt")
    assert asked == [tmp_path / "r.txt"] * 2
    assert run("diagnose", "-r", "a.txt", "b.txt").returncode == errors.EXIT_USAGE


def test_explain_names_the_way_to_a_package(run: Run) -> None:
    done = run("explain-lock", "numpy")
    assert done.returncode == 0
    assert "needed by" in done.stdout
    assert "scipy: numpy" in done.stdout


def test_explain_an_unknown_package(run: Run) -> None:
    done = run("explain-lock", "nunpy")
    assert done.returncode == errors.RequiredPackageError.exit_code
    assert "package's name" in done.stderr


def test_the_program_from_outside() -> None:
    """What the other tests call in their own process is what a shell gets."""
    command = [sys.executable, "-m", "bootstrap", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"condacolab-bootstrap {bootstrap.__version__}\n"


def test_a_restore_can_be_looked_at_first(run: Run, tmp_path: Path) -> None:
    done = run("restore", "--dry-run", "-p", tmp_path / "env", "--cache", tmp_path / "cache")
    assert done.returncode == 0
    assert "nothing there yet" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_repair_can_be_looked_at_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cause = Cause("extra-files", "doubtful", "Code of nobody.", actions=(Action("set-aside", ("/env/x.py",)),))
    asked: dict[str, object] = {}

    def check(*_: object, **options: object) -> Report:
        asked.update(options)
        return Report(python="/env/bin/python", prefix="/env", numpy_version="2.3.4", causes=(cause,))

    monkeypatch.setattr(status.api, "check", check)
    done = run("check", "-p", "/env", "--repair", "--dry-run", "-y")
    assert asked["repair"] is False
    assert done.returncode == errors.EXIT_DOUBTFUL
    assert done.stdout.endswith("dry run: nothing was changed; a repair would\n  set aside /env/x.py\n")
    as_json = json.loads(run("check", "-p", "/env", "--repair", "--dry-run", "--json").stdout)
    assert as_json["would_do"] == ["set aside /env/x.py"]


@pytest.mark.parametrize(
    ("command", "repair", "said"),
    [
        ("undo", False, "Run `bootstrap undo` again"),
        ("check", False, "Nothing was changed"),
        ("check", True, "starts with what is still broken"),
        ("lock", False, "`git status`"),
        ("run", False, "continues where it stopped"),
    ],
)
def test_ctrl_c_says_what_is_true_for_the_command(
    command: str, repair: bool, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    args = argparse.Namespace(command=command, repair=repair, json=False, verbose=False, run=stopped)
    monkeypatch.setattr("bootstrap.cli._parse", lambda _argv: args)
    assert cli.main([command]) == 130
    assert said in capsys.readouterr().err
