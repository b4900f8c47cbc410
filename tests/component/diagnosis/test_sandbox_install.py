"""The proof by real installation, in both kinds of copies; the live process sees what a fresh one does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.diagnosis.sandbox import sandbox
from bootstrap.diagnosis.sandbox_install import observe
from bootstrap.diagnosis.target import examine
from bootstrap.errors import ProofError
from tests.component.diagnosis.home import Home, fingerprint


@pytest.mark.exhaustive
@pytest.mark.parametrize("method", ["overlay", "copy"])
def test_live_and_fresh(home: Home, method: str) -> None:
    target = examine(home.python)
    before = fingerprint(home.root)
    install = ["-m", "pip", "install", "--quiet", *home.options, "numpy==2.3.4"]
    try:
        seen = observe(target, [["-c", "pass"], install], ["stands-on"], folder=home.index, method=method)
    except ProofError as error:
        if method == "overlay":
            pytest.skip(f"this machine allows no overlay: {error}")
        raise
    idle, after = seen.steps
    assert (idle.memory, idle.disk, idle.live) == ("2.0.2", "2.0.2", [])
    assert (after.memory, after.disk) == ("2.0.2", "2.3.4")
    assert any("_center" in line for line in after.live)
    assert seen.checked
    assert not [c for c in seen.causes if c[0] == "broken"], "a fresh process has nothing to complain of"
    assert fingerprint(home.root) == before


def test_a_copy_is_one(home: Home) -> None:
    target = examine(home.python)
    with sandbox(target, method="copy") as copy:
        assert copy.python != home.python
        inner = copy.python.parent.parent / "lib"
        one = next(inner.rglob("numpy/version.py"))
        other = home.root / one.relative_to(copy.python.parent.parent)
        assert one.stat().st_ino != other.stat().st_ino
    assert not copy.python.exists()


@pytest.mark.exhaustive
def test_innocence_is_proven(home: Home) -> None:
    found = home.ask(["harmless"], install=True)
    (trial,) = found.trials
    assert trial.installed
    assert not trial.broke, (trial.live, trial.fresh)
    assert found.verdict == "ok"


def test_a_freeze_file_has_nothing_to_copy(home: Home, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("numpy==2.0.2\n")
    with pytest.raises(ProofError):
        home.ask(["plain"], install=True, against=tmp_path / "f.txt")
