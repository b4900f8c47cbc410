"""Undoing while others are at work."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from bootstrap.runtime.journal import Journal


def test_a_folder_in_which_somebody_writes_bytecode_meanwhile(tmp_path: Path) -> None:
    """As a kernel does that a server has just restarted."""
    journal, prefix = Journal(tmp_path / "state"), tmp_path / "prefix"
    journal.keep(prefix)
    package = prefix / "lib" / "package"
    package.mkdir(parents=True)
    begun = threading.Event()

    def write() -> None:
        end = time.monotonic() + 1.0
        while time.monotonic() < end and package.exists():
            with suppress(OSError):
                (package / "__pycache__").mkdir(exist_ok=True)
                for number in range(20):
                    (package / "__pycache__" / f"{number}.pyc").touch()
            begun.set()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write) for _ in range(4)]
        begun.wait(10)
        assert journal.undo() == [str(prefix)]
        for writer in writers:
            writer.result()
    assert not prefix.exists()
