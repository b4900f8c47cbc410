"""The command: one small round from end to end, and an end by a signal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.contenders import Contender, Scenario
from benchmarks.measure import CommandFailedError
from benchmarks.payload import Payload
from benchmarks.restore import require_complete
from tests.support import ROOT
from tests.support.archives import LOCK, write_conda

pytestmark = pytest.mark.skipif(
    not (shutil.which("zstd") and shutil.which("tar")), reason="the floor needs zstd and tar"
)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    write_conda(tmp_path / "channel/noarch/alpha-1.0-py_0.conda", {"share/alpha": b"x" * 1000})
    (tmp_path / "lock.yml").write_text(LOCK)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "work").mkdir()
    options = {"lock": "lock.yml", "channel": "channel", "wheels": "wheels", "work": "work", "json": "out.json"}
    paths = [word for name, value in options.items() for word in (f"--{name}", str(tmp_path / value))]
    return [sys.executable, "-m", "benchmarks.restore", *paths, "--only", "floor", "--room", "1"]


def test_rounds_are_measured_and_reported(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*command, "--rounds", "2"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    assert [(run["round"], run["medium"]) for run in data["runs"]] == [
        (0, "disk"),
        (0, "tmpfs"),
        (1, "tmpfs"),
        (1, "disk"),
    ]
    # The file, info/index.json and info/paths.json.
    assert {run["cost"]["files"] for run in data["runs"]} == {3}
    assert [median["ratio"] for median in data["medians"]] == [1.0, 1.0]
    assert data["facts"]["payload"]["archives"] == 1
    assert data["failures"] == {}
    assert list((tmp_path / "work").iterdir()) == []


def test_contender_that_installs_less_is_refused(tmp_path: Path) -> None:
    scenario = Scenario("cold", (), "prefix/conda-meta/*.json")
    contender = Contender("lazy", (scenario,))
    nothing = tmp_path / "nothing"
    payload = Payload(nothing, "linux-64", (nothing, nothing), (), "", nothing, ())
    records = tmp_path / "prefix" / "conda-meta"
    records.mkdir(parents=True)
    (records / "one.json").touch()
    with pytest.raises(CommandFailedError, match="lazy cold: 1 of 2 archives"):
        require_complete(contender, scenario, tmp_path, payload)
    (records / "two.json").touch()
    require_complete(contender, scenario, tmp_path, payload)


def test_end_by_a_signal_leaves_nothing_behind(command: list[str], tmp_path: Path) -> None:
    work = tmp_path / "work"
    process = subprocess.Popen(
        [*command, "--rounds", "1000"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("round 1 tmpfs"):
            break
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads((tmp_path / "out.json").read_text())["facts"]["interrupted"]
    assert list(work.iterdir()) == []
    assert str(work) not in Path("/proc/mounts").read_text()
