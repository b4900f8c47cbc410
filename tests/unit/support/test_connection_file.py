"""A kernel's connection file, as tests' clients read it."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import client
from tests.support.colab.client import read_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_read_while_a_kernel_removes_it_and_writes_it_anew(tmp_path: Path) -> None:
    file = tmp_path / "kernel-0.json"
    written = {"transport": "ipc", "key": "secret"}
    file.write_text(json.dumps(written), encoding="utf-8")
    steps = [file.unlink, file.touch, lambda: file.write_text('{"transport": "i', encoding="utf-8")]

    def write_anew() -> None:
        for step in steps:
            step()
            time.sleep(0.05)
        file.write_text(json.dumps(written), encoding="utf-8")

    file.unlink()
    file.touch()
    kernel = threading.Thread(target=write_anew)
    kernel.start()
    assert read_whole(file) == written
    kernel.join()


def test_one_that_nobody_writes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "kernel-0.json")
