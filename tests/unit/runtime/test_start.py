"""The guard around a kernel's start, with a launcher that fails and a script in the place of the machine's Python."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from bootstrap.runtime.kernel import start

_ORIGINAL = '#!/bin/sh\nfor word; do echo "word $word"; done\nenv\n'


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """What tells how it was called, in the place of an interpreter."""
    script = tmp_path / f"python3{start.ORIGINAL_SUFFIX}"
    script.write_text(_ORIGINAL)
    script.chmod(0o755)
    return script


def begin(folder: Path, launcher: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Starts a kernel with a launcher's text."""
    (folder / "launcher.py").write_text(launcher)
    command = [sys.executable, "-P", start.__file__, "-m", "launcher", "-f", "a b.json"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_original_starts_with_its_own_variables(original: Path, tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    tally.touch()
    before = b64encode(b"A=1\0PATH=/machine:/bin\0").decode()
    done = begin(
        tmp_path,
        "raise OSError('a library is damaged')",
        CONDACOLAB_BOOTSTRAP_ORIGINAL=str(original),
        CONDACOLAB_BOOTSTRAP_BEFORE=before,
        CONDACOLAB_BOOTSTRAP_STARTS=str(tally),
    )
    told = done.stdout.splitlines()
    assert [line for line in told if line.startswith("word ")] == [
        f"word {word}" for word in (start.__file__, "-m", "launcher", "-f", "a b.json")
    ]
    assert {"A=1", "PATH=/machine:/bin"} <= set(told)
    assert not any(line.startswith(("PYTHONPATH=", "CONDACOLAB_BOOTSTRAP_BEFORE=")) for line in told)
    # This Python may have no ipykernel either.
    assert any(line.startswith("CONDACOLAB_BOOTSTRAP_FALLBACK=") and "Error: " in line for line in told)
    assert not tally.exists()


@pytest.mark.parametrize("named", [{}, {"CONDACOLAB_BOOTSTRAP_ORIGINAL": ""}], ids=["unset", "empty"])
def test_without_an_original_the_fault_is_seen(named: dict[str, str], tmp_path: Path) -> None:
    done = begin(tmp_path, "import no_such_package", **named)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
