"""tests/environment/inside, run by the restored environment's own Python, with the test runner of this one."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import files
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.whole import Environment

INSIDE = ROOT / "tests/environment/inside"
# Pure Python, so that one interpreter's copy serves another. What the environment has itself it keeps.
RUNNER = ("iniconfig", "pluggy", "pytest", "pytest-timeout")


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pytest, and nothing else, for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("runner")
    for name in RUNNER:
        for file in files(name) or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder


@pytest.mark.exhaustive  # in make test the page runs what these check: tests/browser
@pytest.mark.parametrize("module", sorted(p.name for p in INSIDE.glob("test_*.py")))
def test_inside_the_environment(environment: Environment, runner: Path, tmp_path: Path, module: str) -> None:
    done = subprocess.run(
        [
            environment.python,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT, "--basetemp", tmp_path / "base"),
            INSIDE / module,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{runner}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
