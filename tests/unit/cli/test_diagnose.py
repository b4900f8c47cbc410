"""What ``bootstrap diagnose`` makes of its arguments, before it asks anybody."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bootstrap import api, cli
from bootstrap.diagnosis import Diagnosis, EnvironmentInfo, Finding
from bootstrap.errors import NoPinnedSetError


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.txt"], 100, "Can't read"),
        (["none.ipynb"], 100, "notebook"),
        (["--require", "plain", "--as-of", "yesterday"], 112, "yesterday"),
        (["--require", "plain", "--python", "/nonexistent/python"], 103, "nonexistent"),
        (["--require", "plain", "--write-minimal", "none/m.txt"], 109, "none/m.txt"),
    ],
)
def test_errors(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["diagnose", *arguments]) == code
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["r.txt", "--history"],
        ["r.txt", "--require", "a"],
        ["r.txt", "a"],
        ["a", "--history"],
        ["-r", "a", "-r", "b"],
    ],
)
def test_one_thing_is_asked_about(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", *arguments]) == 2
    assert "--history" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["optuna", "numpy<2", "torch[opt]>=2"], ["optuna", "numpy<2", "torch[opt]>=2"]),
        (["optuna", "--require", "plain"], ["optuna", "plain"]),
        (["plain"], Path("plain")),
        (["-r", "plain"], Path("plain")),
        (["folder/none"], Path("folder/none")),
        (["--history"], None),
    ],
)
def test_packages_may_be_named_as_for_pip_and_a_file_comes_first(
    words: list[str], asked: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").touch()
    sources = []

    @functools.wraps(api.diagnose)
    def diagnose(source: Any, **_: Any) -> Any:
        sources.append(source)
        return SimpleNamespace(exit_code=0, to_dict=dict)

    monkeypatch.setattr(api, "diagnose", diagnose)
    assert cli.main(["diagnose", "--json", *words]) == 0
    assert sources == [asked]


def test_every_option_reaches_the_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Any, dict[str, Any]]] = []

    @functools.wraps(api.diagnose)  # its parameters are those that the options are named for
    def diagnose(source: Any, **options: Any) -> Any:
        asked.append((source, options))
        return SimpleNamespace(exit_code=4, to_markdown=lambda: "### broken\n", to_dict=lambda: {"verdict": "broken"})

    monkeypatch.setattr(api, "diagnose", diagnose)
    words = ["--require", "a", "--require", "b<2", "--python", "p", "--against", "f.txt", "--as-of", "2025-11-15"]
    words += [
        "--resolver",
        "uv",
        "--install",
        "--pip-option=-U",
        "--build",
        "--write-minimal",
        "m",
        "--write-pinned",
        "n",
    ]
    assert cli.main(["diagnose", *words, "--force", "--markdown", "--quiet"]) == 4
    assert capsys.readouterr().out == "### broken\n"
    [(source, options)] = asked
    del options["progress"]
    assert source == ["a", "b<2"]
    assert options == {
        "python": "p",
        "against": Path("f.txt"),
        "install": True,
        "write_minimal": Path("m"),
        "write_pinned": Path("n"),
        "force": True,
        "resolver": "uv",
        "as_of": "2025-11-15",
        "options": ["-U"],
        "build": True,
    }
    assert cli.main(["diagnose", "r.txt", "--json"]) == 4
    assert asked[1][0] == Path("r.txt")
    assert '"verdict": "broken"' in capsys.readouterr().out


def test_without_a_pinned_set_the_answer_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diagnose(*_: Any, **__: Any) -> Any:
        error = NoPinnedSetError("No set of versions.", evidence=["left excludes numpy"])
        error.diagnosis = Diagnosis("r.txt", EnvironmentInfo("here", "3.11", None, 1), (), Finding((), "ok"))
        raise error

    monkeypatch.setattr(api, "diagnose", diagnose)
    assert cli.main(["diagnose", "r.txt", "--write-pinned", "p.txt"]) == 110
    out, err = capsys.readouterr()
    assert out.startswith("ok: there is no numpy to replace")
    assert "No set of versions." in err
    assert cli.main(["diagnose", "r.txt", "--write-pinned", "p.txt", "--json"]) == 110
    told = json.loads(capsys.readouterr().out)
    assert (told["error"], told["diagnosis"]["verdict"]) == ("no-pinned-set", "ok")
