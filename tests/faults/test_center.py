"""The well-known error, replayed in a real kernel with real pip, and what is said about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from demo import center
from tests.faults.environments import HOME, Site, wheel
from tests.support.once import digest, made_once

if TYPE_CHECKING:
    from pathlib import Path

# In make test the same happens on the Colab machine: tests/colab/test_run.py.
pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each cell printed, by its code's first line."""
    key = digest(center.KERNEL, center.LOADED, sys.version)
    with mock.patch.dict(os.environ, PIP_NO_COMPILE="0"):
        home = made_once(HOME, "center", key, lambda home: center.make_environment(home / "env"))
    site = Site(home / "env").copy(tmp_path_factory.mktemp("center") / "env")
    for version in ("1.26.4", "2.3.4"):
        wheel(f"numpy=={version}")
    wheel("captum==0.8.0")
    with site.active():
        told = center.replay(site.python)
    return {cell.title: text for cell, text in zip(center.CELLS, told, strict=True)}


def test_the_error_is_the_reported_one(outputs: dict[str, str]) -> None:
    assert outputs["Colab loads numpy before the first cell"].strip() == "numpy 2.0.2"
    assert "No module named 'numpy.rec'" in outputs["First symptom"]
    assert "cannot import name '_center' from 'numpy._core.umath'" in outputs["The error"]
    assert "numpy 2.3.4 works" in outputs["In a fresh process nothing is wrong"]
    probe = next(text for title, text in outputs.items() if title.startswith("The well-known probe"))
    assert "_center is there" in probe


def test_the_tripwire_speaks_at_the_cell_that_did_it(outputs: dict[str, str]) -> None:
    first = next(text for title, text in outputs.items() if "captum" in title)
    assert "numpy on disk is now 1.26.4, this kernel has 2.0.2 loaded: restart the runtime" in first
    assert "numpy on disk is now 2.3.4, this kernel has 2.0.2 loaded" in outputs["The notebook's own repair"]
    silent = ("First symptom", "The error", "In a fresh process nothing is wrong")
    assert not any("bootstrap warning" in outputs[title] for title in silent)


def test_the_check_names_cause_culprit_and_repair(outputs: dict[str, str]) -> None:
    report = outputs["What bootstrap.check() says in this kernel"]
    assert "broken: numpy 2.0.2 is loaded, numpy 2.3.4 is on disk. [stale-in-memory]" in report
    assert "will fail: import numpy._core.strings: cannot import name '_center'" in report
    assert "likely by cell " in report
    assert "--force-reinstall" in report
    assert "Restart the runtime: nothing else is needed" in report
    assert "captum 0.8.0 requires numpy <2.0" in report


def test_without_a_fitting_interpreter_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(center, "_INTERPRETERS", ("python-of-nowhere",))
    with pytest.raises(SystemExit, match="is needed"):
        center.make_environment(tmp_path)
