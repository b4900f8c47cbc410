"""Wrong usage, and the habits of conda's users."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from bootstrap import api, cli
from bootstrap.cli import options
from bootstrap.errors import EXIT_USAGE, PackNotFetchedError, UsageError

COMMANDS = next(a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("arguments", "said", "meant"),
    [
        (["restroe"], "Unknown command: restroe", "restore"),
        (["restore", "--prefx", "x"], "`bootstrap restore` has no option --prefx", "--prefix"),
        (["check", "--prefx=x"], "no option --prefx", "--prefix"),
        (["guard", "onn"], "on, off, status, not onn", "on"),
        (["status", "--variant", "cuba"], "auto, cpu, cuda, not cuba", "cuda"),
        (["explain", "hash-mismach"], "Unknown error: hash-mismach", "hash-mismatch"),
    ],
)
def test_wrong_usage_says_what_may_be_meant(arguments: list[str], said: str, meant: str, capsys: Captured) -> None:
    assert cli.main(arguments) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert f"Did you mean `{meant}`?" in err
    assert cli.main([*arguments, "--json"]) == EXIT_USAGE
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["error"], found["exit_code"], err) == ("usage", EXIT_USAGE, "")
    assert meant in found["hint"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json"], "Missing: COMMAND"),
        (["diff"], "error: Missing: OLD"),
        (["render", "-f"], "error: -f/--lock: expected one argument"),
        (["diagnose", "a.txt", "b.txt"], "Pass one file"),
        (["restore", "-p"], "usage: bootstrap restore "),
        (["diff", "a", "b", "c"], "Unexpected argument: c."),
        (["restore", "env"], "Pass an environment's folder with `--prefix`."),
        (["-q", "status"], "Put options after the command: `bootstrap status -q`"),
        (["check", "--dry-run"], "--dry-run requires --repair"),
        (["restore", "-n", "a/b"], "Pass a folder with `--prefix`"),
        (["restore", "-n", "a", "-p", "b"], "not allowed with"),
    ],
)
def test_wrong_usage_shows_the_right_one(arguments: list[str], said: str, capsys: Captured) -> None:
    assert cli.main(arguments) == EXIT_USAGE
    assert said in "".join(capsys.readouterr())


def test_the_name_alone_shows_the_help(capsys: Captured) -> None:
    with pytest.raises(SystemExit, match=str(EXIT_USAGE)):
        cli.main([])
    out, err = capsys.readouterr()
    assert out == ""
    assert "examples:" in err


def test_help_is_a_command_too(capsys: Captured) -> None:
    shown = []
    for arguments in (["help", "restore"], ["restore", "--help"], ["help"], ["-h"]):
        with pytest.raises(SystemExit, match="0"):
            cli.main(arguments)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert shown[2] == shown[3]


@pytest.mark.parametrize("word", ["create", "install", "list", "doctor", "remove", "export"])
def test_what_others_call_it_leads_to_the_command(word: str, capsys: Captured) -> None:
    assert cli.main([word]) == EXIT_USAGE
    [meant] = re.findall(r"Did you mean `([a-z-]+)`", capsys.readouterr().err)
    assert meant in COMMANDS


@pytest.mark.parametrize("width", [70, 80, 200])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_its_terminal(command: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    parser = COMMANDS[command] if command else cli.parser()
    shown, epilog = parser.format_help(), parser.epilog or ""
    examples = re.findall(r"^  (bootstrap \S.*?)(?:  .*)?$", epilog, re.MULTILINE)
    prose = [line for line in shown.splitlines() if line.strip() not in examples]
    assert max(map(len, prose)) <= min(width, 100)
    for example in examples:
        assert re.search(rf"^  {re.escape(example)}(  |$)", shown, re.MULTILINE), "each on a line of its own"


def test_the_help_lists_every_command_once() -> None:
    listed = re.findall(r"^  ([a-z-]+)  +[a-z]", cli.description(), flags=re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("command", ["restore", "run", "lock"])
def test_gpu_means_cuda(command: str) -> None:
    assert cli.parser(command).parse_args([command, "--variant", "gpu"]).variant == "cuda"
    assert api.named_variant("gpu") == "cuda"
    with pytest.raises(UsageError, match="auto, cpu, cuda, not tpu"):
        api.run("tpu")


def test_options_are_abbreviated_as_condas_are() -> None:
    short = {"--prefix": "-p", "--name": "-n", "--lock": "-f", "--yes": "-y", "--dry-run": "-d"}
    for command in COMMANDS.values():
        for action in command._actions:
            for long in set(action.option_strings) & set(short):
                assert short[long] in action.option_strings, command.prog


def test_defaults_stand_in_brackets() -> None:
    for command in COMMANDS.values():
        for action in command._actions:
            assert "; default" not in (action.help or ""), command.prog


def test_an_environment_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "MAMBA_ROOT_PREFIX", "CONDA_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert options.named("work") == tmp_path / ".conda/envs/work"
    monkeypatch.setenv("CONDA_EXE", str(tmp_path / "conda/bin/conda"))
    (tmp_path / "conda").mkdir()
    assert options.named("base") == tmp_path / "conda"
    assert options.named("work") == tmp_path / "conda/envs/work"
    (tmp_path / ".conda/envs/work").mkdir(parents=True)
    assert options.named("work") == tmp_path / ".conda/envs/work", "where it is comes before where it would be made"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_offline_nothing_is_asked_for_not_even_to_look_into_a_pack(
    dry: list[str], tmp_path: Path, capsys: Captured
) -> None:
    words = ["restore", "--pack", "https://127.0.0.1:9/class.pack", "--offline", "--prefix", str(tmp_path), *dry]
    assert cli.main(words) == PackNotFetchedError.exit_code
    assert "offline mode" in capsys.readouterr().err
