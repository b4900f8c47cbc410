"""Files that somebody else names are read without waiting for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.diagnosis import bounded_read
from bootstrap.diagnosis.bounded_read import read_bytes


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in ("/dev/zero", tmp_path / "fifo", tmp_path, tmp_path / "none", "a\0b", "x" * 3000):
        with pytest.raises(OSError, match=r".") as caught:
            read_bytes(path)
        assert caught.value.strerror


def test_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert read_bytes(tmp_path / "f") == b"12345"
    monkeypatch.setattr(bounded_read, "LARGEST", 4)
    with pytest.raises(OSError, match="5 bytes"):
        read_bytes(tmp_path / "f")
