"""The report that this project began with: its list is harmless, its notebook tells the true story. Real packages."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

import pytest

from bootstrap import diagnose
from bootstrap.diagnosis.resolver import find_uv
from tests.support import ROOT
from tests.support.pythons import find_python

DATA = ROOT / "tests/data"
DAY = "2025-11-15"


@pytest.fixture(scope="module", autouse=True)
def _needs() -> None:
    if find_uv(Path(sys.executable)) is None:
        pytest.skip("asking for a past day needs uv (extra: test)")
    try:
        urllib.request.urlopen("https://pypi.org/simple/pip/", timeout=20).close()
    except OSError as error:
        pytest.skip(f"PyPI can't be reached: {error}")


@pytest.fixture(scope="module")
def python() -> Path:
    """Colab's Python of that month, or the nearest that runs the tests."""
    return find_python("3.12") or Path(sys.executable)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("freeze", "numpy"), [("colab-2025-11.txt", "2.0.2"), ("numpy-2.3.txt", "2.3.4")])
def test_the_list_moves_nothing(python: Path, freeze: str, numpy: str) -> None:
    found = diagnose(DATA / "the-report.txt", against=DATA / freeze, python=python, as_of=DAY, resolver="uv")
    assert found.environment.numpy == numpy
    assert len(found.alone) == 8
    assert not any(f.failed or f.subject for f in (*found.alone, found.together)), "numpy stays, alone and together"
    assert found.culprits == ()
    # What the list does do: an older datasets takes fsspec back, which gcsfs is bound to.
    assert {(c.name, c.before, c.after) for c in found.together.changes} == {
        ("datasets", "4.0.0", "2.21.0"),
        ("fsspec", "2025.3.0", "2024.6.1"),
        ("pytest", "8.4.2", "7.4.4"),
    }
    assert [str(b) for b in found.together.breakages] == ["gcsfs 2025.3.0 needs fsspec==2025.3.0, has 2024.6.1"]
    assert found.exit_code == 3


@pytest.mark.exhaustive
def test_the_notebook_tells_the_story(python: Path) -> None:
    against = DATA / "colab-2025-11.txt"
    found = diagnose(DATA / "the-report.ipynb", against=against, python=python, as_of=DAY, resolver="uv")
    assert found.exit_code == 4
    first, second = (scene for scene in found.scenes if scene.moves)
    assert (first.cell, first.memory, first.disk) == (2, "2.0.2", "1.26.4")
    assert first.finding.path == "captum 0.8.0 -> numpy<2.0"
    assert (second.cell, second.memory, second.disk) == (4, "2.0.2", "2.3.4")
    assert "_center" in second.symptom
    assert "numpy 2.0.2, which the kernel has loaded, satisfies it" in second.note
    assert [s.cell for s in found.scenes if not s.moves] == [5, 6], "the suspects moved nothing"
