"""What a proof will import is imported beforehand, as soon as its packages are there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bootstrap.runtime import warm_up
from tests.support.records import record

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = (
    record("python", depends={"libffi": ""}),
    record("libffi"),
    record("one", depends={"two": ">=1", "python": ""}),
    record("two", depends={"__glibc": ""}),
    record("three", depends={"one": ""}),
)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment whose python writes down what it hears."""
    monkeypatch.setattr(warm_up, "_NUMPY", {"one": ("one", "one.more")})
    monkeypatch.setattr(warm_up, "_KERNEL", {"three": ("three",), "absent": ("absent",)})
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\nexec cat > "${0%/*}/heard"\n')
    python.chmod(0o755)
    return tmp_path


def test_modules_are_named_when_all_that_they_need_is_there(stage: Path) -> None:
    with warm_up.warming_up(stage, RECORDS, colab=False) as linked:
        for name in ("one", "two", "python", "three"):
            linked(name)
        assert not (stage / "bin/heard").exists()
        linked("libffi")
        linked(None)
    assert (stage / "bin/heard").read_text().split() == ["one", "one.more", "three"]


def test_the_process_ends_where_the_block_fails(stage: Path) -> None:
    (stage / "bin/python").write_text('#!/bin/sh\necho $$ > "${0%/*}/pid"; exec sleep 600\n')
    with pytest.raises(ZeroDivisionError), warm_up.warming_up(stage, RECORDS, colab=False) as linked:
        for name in ("libffi", "python", "two", "one"):
            linked(name)
        while not (stage / "bin/pid").is_file() or not (stage / "bin/pid").read_text():
            pass
        _ = 1 / 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((stage / "bin/pid").read_text()), 0)


def test_the_program_imports_what_it_is_told_and_begins_nothing_after_the_end(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit(5)")
    (tmp_path / "first.py").write_text("print('first', flush=True); import time; time.sleep(0.5)")
    (tmp_path / "second.py").write_text("print('second', flush=True)")
    command = [sys.executable, "-c", warm_up._IMPORT]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("broken\nfirst\nsecond\n")
    process.stdin.flush()
    assert process.stdout.readline() == "first\n"
    process.stdin.close()
    assert process.stdout.read() == ""
    assert process.wait(30) == 0
