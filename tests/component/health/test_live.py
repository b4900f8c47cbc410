"""Libraries that a process has loaded, against what lies on disk."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def load(code: str, library: Path) -> str:
    """What a process that has loaded a library says of it after some code has run."""
    program = f"""
        import ctypes, os, shutil, sys
        sys.path.insert(0, {str(ROOT)!r})
        path = {str(library)!r}
        ctypes.CDLL(path)
        {code}
        from bootstrap.health.live import mappings
        print(mappings.state_of(path, mappings.read_mappings()))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=library.parent).stdout.strip()


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("", "same"),
        ("shutil.copy(path, path + '.new'); os.rename(path + '.new', path)", "equal"),
        # As pip does it: aside under the same name, the new one in its place, then the old one away.
        (
            "os.mkdir('d'); os.rename(path, 'd/library.so'); shutil.copy('d/library.so', path); shutil.rmtree('d')",
            "equal",
        ),
        ("os.unlink(path)", "removed"),
        ("os.unlink(path); open(path, 'wb').write(bytes(20000))", "replaced"),
        ("path = path + '.other.so'", "None"),
    ],
)
def test_state_of_a_loaded_library(code: str, state: str, compiled: Callable[[str], Path]) -> None:
    assert load(code, compiled("int answer(void) { return 42; }")) == state


def test_another_library_of_the_same_name(compiled: Callable[[str], Path], tmp_path: Path) -> None:
    library = compiled("int answer(void) { return 42; }")
    kept = library.with_name("kept")
    library.rename(kept)
    other = compiled("int answer(void) { return 41; } int more(int x) { return x * answer(); }")
    other.rename(tmp_path / "other")
    kept.rename(library)
    assert load(f"os.rename({str(tmp_path / 'other')!r}, path)", library) == "replaced"
