"""The private folders of relays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from jupyter_client.session import Session

from bootstrap.runtime.kernel.folder import Folder
from bootstrap.scratch import sweep


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nobody_else_may_enter_or_read() -> None:
    folder = Folder()
    file = folder.write_connection_file("kernel-1.json", Session(key=b"secret"))
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    folder.remove()
    assert not folder.path.exists()


def test_the_connection_file_names_the_endpoints() -> None:
    folder = Folder()
    told = json.loads(folder.write_connection_file("kernel-1.json", Session(key=b"secret")).read_text())
    assert told["transport"] == "ipc"
    assert (told["key"], told["signature_scheme"]) == ("secret", "hmac-sha256")
    for channel in ("shell", "iopub", "stdin", "control", "hb"):
        assert folder.endpoint(channel) == f"ipc://{told['ip']}-{told[f'{channel}_port']}"
    folder.remove()


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_stays(temporary: Path) -> None:
    program = (
        "import os; from bootstrap.runtime.kernel.folder import Folder; mine = Folder(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ, "TMPDIR": str(temporary)})
    assert len(list(temporary.iterdir())) == 1
    mine = Folder()
    (temporary / "condacolab-bootstrap-scratch-another-thing").touch()
    sweep()
    assert mine.path.exists()
    assert {path.name for path in temporary.iterdir()} == {
        mine.path.name,
        "condacolab-bootstrap-scratch-another-thing",
    }
    mine.remove()
