"""demo/train.py, run as the demo runs it: by the restored environment's own Python, isolated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.whole import Environment

TRAIN = ROOT / "demo" / "train.py"


@pytest.mark.exhaustive
def test_training_too_short_to_learn_is_a_failure(environment: Environment, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = environment.run(TRAIN, "--json", out, "--trials", "1", "--trial-steps", "4", "--steps", "8")
    report = json.loads(out.read_text())
    assert done.returncode == 1
    assert "has not learned" in done.stderr
    assert report["learned"] is False
    assert report["final_loss"] > report["frequency_loss"] - 0.3
    assert abs(report["reloaded_loss"] - report["final_loss"]) < 1e-4


@pytest.mark.exhaustive
def test_full_training_learns(environment: Environment, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = environment.run(TRAIN, "--json", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["final_loss"] < 2.3 < report["frequency_loss"] < report["uniform_loss"]
    assert len(report["trials"]) == 4
    assert report["final_loss"] < min(trial["loss"] for trial in report["trials"])
    assert report["sample"].startswith("The Rays of Light ")
    assert done.stderr == ""
    assert report["prefix"] == str(environment.prefix)
    assert report["modules"]["numpy"]["file"].startswith(str(environment.prefix))


@pytest.mark.exhaustive  # imports all of pytorch, for a guard of the demonstration's
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9), timeout=1)",
        "socket.getaddrinfo('localhost', 80)",
        "socket.socket().connect(('127.0.0.1', 9))",
    ],
)
def test_network_is_refused(environment: Environment, attempt: str) -> None:
    program = f"import runpy, socket; runpy.run_path({str(TRAIN)!r}); {attempt}"
    done = environment.run("-c", program)
    assert done.returncode == 1
    assert "the training tried to use the network" in done.stderr
