"""A notebook's story, in dry run and for real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.diagnosis import Replay, SessionOptions, replay_notebook
from bootstrap.progress import NullProgress
from tests.component.diagnosis.home import Home


def write(path: Path, *cells: str) -> Path:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}))
    return path


def replay(home: Home, path: Path, **options: object) -> Replay:
    return replay_notebook(path, SessionOptions(home.python, resolver="pip"), progress=NullProgress(), **options)


def test_what_was_foretold_is_done(home: Home, tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", f"!pip install alone --no-index --find-links {home.index}")
    found = replay(home, path, install=True)
    assert (found.verdict, found.exit_code) == ("broken", 4)
    [scene] = found.scenes
    assert (scene.memory, scene.disk, scene.finding.path) == ("2.0.2", "1.26.4", "alone 1.0 -> numpy<2.0")
    assert "numpy.rec" in scene.symptom
    assert any("numpy.rec" in line or "numpy.char" in line for line in scene.real)


@pytest.mark.exhaustive
def test_the_story_of_two_moves(home: Home, tmp_path: Path) -> None:
    """Down by a dependency, up by --force-reinstall, and the kernel keeps the first: predicted, then done."""
    links = f"--no-index --find-links {home.index}"
    path = write(
        tmp_path / "n.ipynb",
        "import numpy as np",
        f"%%writefile requirements.txt\n{links}\nplain\nalone\n",
        "!pip install -q -r requirements.txt",
        f"!pip install --force-reinstall 'numpy>=2.0,<3.0' -q {links}",
        f"!pip install plain {links} && pip list",
    )
    found = replay(home, path, install=True)
    assert found.verdict == "broken"
    assert found.exit_code == 4
    first, second, third = found.scenes
    assert (first.cell, first.memory, first.disk) == (3, "2.0.2", "1.26.4")
    assert first.finding.path == "alone 1.0 -> numpy<2.0"
    assert any("numpy.rec" in line or "numpy.char" in line for line in first.real)
    assert (second.cell, second.memory, second.disk) == (4, "2.0.2", "2.3.4")
    assert "numpy 2.0.2, which the kernel has loaded, satisfies it" in second.note
    assert "-q hides" in second.note
    assert "_center" in second.symptom
    assert any("_center" in line for line in second.real), "the symptom that was foretold is the one that came"
    assert not third.moves
    assert found.left is first
    assert "Cell 3 moved numpy 2.0.2 -> 1.26.4" in found.to_markdown()
    assert "Cell 4 moved numpy 1.26.4 -> 2.3.4" in found._repr_html_().replace("&gt;", ">")
    assert json.loads(json.dumps(found.to_dict()))["left_at_cell"] == 3


@pytest.mark.exhaustive
def test_a_restart_brings_them_together(home: Home, tmp_path: Path) -> None:
    links = f"--no-index --find-links {home.index}"
    path = write(
        tmp_path / "n.ipynb",
        f"!pip install alone {links}",
        "import os; os.kill(os.getpid(), 9)",
        "!pip uninstall -y plain",
    )
    found = replay(home, path)
    assert [(s.kind, s.memory, s.disk) for s in found.scenes] == [
        ("install", "2.0.2", "1.26.4"),
        ("restart", None, "1.26.4"),
        ("uninstall", "1.26.4", "1.26.4"),
    ]


@pytest.mark.exhaustive
def test_what_is_not_replayed_says_why(home: Home, tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.ipynb",
        "!conda install -y numpy",
        "!pip install --target elsewhere numpy",
        "!pip install -r none.txt",
        "!pip install {name}",
        "!pip list",
    )
    found = replay(home, path)
    assert [s.kind for s in found.scenes] == ["skipped", "skipped", "unread", "unread"]
    assert found.verdict == "doubtful"
    assert "none.txt" in found.scenes[2].note


@pytest.mark.exhaustive
def test_a_harmless_notebook(home: Home, tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", f"!pip install harmless --no-index -f {home.index}", "print(1)")
    found = replay(home, path)
    assert (found.verdict, found.left) == ("ok", None)
    assert replay(home, write(tmp_path / "empty.ipynb", "1 + 1")).verdict == "ok"


def test_uv_answers_for_its_own_commands(home: Home, tmp_path: Path) -> None:
    links = f"--no-index --find-links {home.index}"
    path = write(tmp_path / "n.ipynb", f"!uv pip install --system {links} alone", f"!uv pip install {links} plain")
    found = replay_notebook(path, SessionOptions(home.python), progress=NullProgress())
    first, second = found.scenes
    assert (first.memory, first.disk, first.finding.path) == ("2.0.2", "1.26.4", "alone 1.0 -> numpy<2.0")
    assert first.finding.resolver.startswith("uv ")
    assert not second.moves


@pytest.mark.exhaustive
def test_without_uv_pip_answers_for_it(home: Home, tmp_path: Path) -> None:
    links = f"--no-index --find-links {home.index}"
    path = write(tmp_path / "n.ipynb", f"!uv pip install --system {links} alone", f"!uv pip install {links} plain")
    found = replay(home, path)
    assert (found.scenes[0].disk, found.scenes[1].moves) == ("1.26.4", False)
    assert "resolved by pip: uv isn't installed here" in found.scenes[0].note
