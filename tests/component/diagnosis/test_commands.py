"""``bootstrap diagnose`` from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.component.diagnosis.home import Home
from tests.support import ROOT


def run(home: Home, *arguments: object) -> subprocess.CompletedProcess[str]:
    places = [f"--pip-option={option}" for option in home.options]
    command = [sys.executable, "-m", "bootstrap", "diagnose", "--python", home.python, "--resolver", "pip", *places]
    return subprocess.run(
        [*map(str, command), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_command_line(home: Home, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("alone\n")
    done = run(home, tmp_path / "r.txt", "--json")
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert (found["schema"], found["verdict"]) == (1, "broken")
    assert found["alone"][0]["path"] == ["alone 1.0", "numpy<2.0"]
    assert found["alone"][0]["requirements"][0]["line"] == 1
    assert all(json.loads(line)["event"] == "step" for line in done.stderr.splitlines())


@pytest.mark.exhaustive
def test_markdown_and_text(home: Home) -> None:
    done = run(home, "--require", "alone", "--require", "plain", "--markdown", "--quiet")
    assert done.stdout.startswith("### broken: alone would replace numpy 2.0.2 by 1.26.4\n")
    assert "| `alone` | broken | 2.0.2 -> 1.26.4 | alone 1.0 -> numpy<2.0" in done.stdout
    assert done.stderr == ""


@pytest.mark.exhaustive
def test_every_shape_says_the_same(home: Home) -> None:
    found = home.ask(["left", "right", "breaks-another"])
    for text in (repr(found), found._repr_html_().replace("&gt;", ">").replace("&lt;", "<"), found.to_markdown()):
        assert "left + right" in text
        assert "left 1.0 -> shared 2.0 -> numpy<2.0" in text.replace("\n", " ")
        assert "needs-companion 1.0 needs companion>=2" in text
    assert "\x1b" not in repr(found)


def test_an_error(home: Home) -> None:
    done = run(home, "--require", "not a requirement")
    assert done.returncode == 101
    assert "not a requirement" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
