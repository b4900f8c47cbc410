"""Temporary folders go when their makers end, in whatever way."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bootstrap.diagnosis.scratch import scratch_folder

HOLD = """
import sys
from bootstrap.diagnosis.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_run_left_the_next_one_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    users = tmp_path / "condacolab-bootstrap-diagnose-of-the-user"
    users.mkdir()
    (users / ".in-use").write_text("mine")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        held = Path(other.stdout.readline().strip())
        with scratch_folder() as ours:
            assert held.is_dir(), "somebody uses it"
            (ours / "x").touch()
        assert not ours.exists()
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert held.is_dir()
    with scratch_folder():
        assert not held.exists()
    assert [p.name for p in tmp_path.iterdir()] == [users.name], "nothing goes by its name alone"
