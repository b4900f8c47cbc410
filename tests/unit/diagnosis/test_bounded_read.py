"""Files that somebody else names are read without waiting for ever."""

from __future__ import annotations

import os
import time
import urllib.error
from pathlib import Path

import pytest

from bootstrap.diagnosis import bounded_read
from bootstrap.diagnosis.bounded_read import fetch, read_bytes
from tests.support.channel.server import Fault, serve


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


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    (tmp_path / "f").write_bytes(b"12345")
    (tmp_path / "cut").write_bytes(b"12345")
    with serve(tmp_path, faults={"/f": Fault.status(503, times=2), "/cut": Fault.truncate()}) as server:
        data, headers = fetch(f"{server.url}/f", most=5)
        assert (data, headers["Content-Length"]) == (b"12345", "5"), "a server that fails is asked again"
        with pytest.raises(OSError, match="limit of 4 bytes"):
            fetch(f"{server.url}/f", most=4)
        with pytest.raises(TimeoutError):
            fetch(f"{server.url}/f", seconds=1e-6)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(f"{server.url}/none")
        with pytest.raises(OSError, match="cut short"):
            fetch(f"{server.url}/cut")
