"""demo/train.py, run as the demo runs it: by an interpreter that has the libraries, isolated.

That interpreter is the one named by DEMO_PYTHON, or this one; the tests are skipped where it has no torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = Path(__file__).parents[3] / "demo" / "train.py"
PYTHON = os.environ.get("DEMO_PYTHON", sys.executable)
LIBRARIES = ("torch", "pytorch_lightning", "torchmetrics", "datasets", "optuna", "rich")


def isolated(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PYTHON, "-I", *arguments], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    probe = f"import importlib.util as u; raise SystemExit(not all(map(u.find_spec, {LIBRARIES})))"
    if isolated("-c", probe).returncode:
        pytest.skip(f"{PYTHON} has not all of {', '.join(LIBRARIES)}")


def test_training_too_short_to_learn_is_a_failure(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = isolated(str(TRAIN), "--json", str(out), "--trials", "1", "--trial-steps", "4", "--steps", "8")
    report = json.loads(out.read_text())
    assert done.returncode == 1
    assert "has not learned" in done.stderr
    assert report["learned"] is False
    assert report["final_loss"] > report["frequency_loss"] - 0.3
    assert abs(report["reloaded_loss"] - report["final_loss"]) < 1e-4


@pytest.mark.slow
def test_full_training_learns(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = isolated(str(TRAIN), "--json", str(out))
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["final_loss"] < 2.3 < report["frequency_loss"] < report["uniform_loss"]
    assert len(report["trials"]) == 4
    assert report["final_loss"] < min(trial["loss"] for trial in report["trials"])
    assert report["sample"].startswith("The Rays of Light ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9), timeout=1)",
        "socket.getaddrinfo('localhost', 80)",
        "socket.socket().connect(('127.0.0.1', 9))",
    ],
)
def test_network_is_refused(attempt: str) -> None:
    program = f"import runpy, socket; runpy.run_path({str(TRAIN)!r}); {attempt}"
    done = isolated("-c", program)
    assert done.returncode == 1
    assert "the training tried to use the network" in done.stderr
