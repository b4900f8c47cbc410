"""Hashing: a verdict for every way a file can be wrong."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bootstrap.prefix import file_check
from bootstrap.prefix.file_check import AlteredFile, portions, verify_files
from bootstrap.prefix.records import InstalledFile, InstalledRecord

COUNT = 600
"""They have 1.3 MB."""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    for i in range(COUNT):
        (tmp_path / f"f{i}").write_bytes(bytes([i % 256]) * (i * 7))
    (tmp_path / "link").symlink_to("f1")
    (tmp_path / "folder").mkdir()
    return tmp_path


def record(prefix: Path) -> InstalledRecord:
    found = [
        InstalledFile(
            f"f{i}", hashlib.sha256(bytes([i % 256]) * (i * 7)).hexdigest(), i * 7, "hardlink", rewritten=False
        )
        for i in range(COUNT)
    ]
    found.append(InstalledFile("link", None, None, "softlink", rewritten=False))
    found.append(InstalledFile("folder", None, None, "directory", rewritten=False))
    return InstalledRecord("pkg", "1.0", "0", "linux-64", "", "", tuple(found), prefix / "conda-meta/pkg.json")


@pytest.mark.parametrize("portion", [1 << 26, 1 << 18])
def test_every_fault_is_told_apart(portion: int, prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_check, "_PORTION", portion)
    assert verify_files(prefix, [record(prefix)]) == []
    (prefix / "f10").unlink()
    (prefix / "f20").write_bytes(b"\xff" * 140)
    os.truncate(prefix / "f30", 5)
    (prefix / "f40").unlink()
    (prefix / "f40").mkdir()
    (prefix / "link").unlink()
    (prefix / "link").mkdir()
    (prefix / "folder").rmdir()
    (prefix / "f50").unlink()
    (prefix / "f50").symlink_to("f51")
    found = {f.path: f.reason for f in verify_files(prefix, [record(prefix)])}
    assert found == {
        "f10": "missing",
        "f20": "sha256",
        "f30": "size",
        "f40": "type",
        "f50": "type",
        "link": "type",
        "folder": "missing",
    }
    assert {f.owner for f in verify_files(prefix, [record(prefix)])} == {"pkg 1.0"}


def test_portions_take_about_as_long_as_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_check, "_PORTION", 100_000)
    assert portions([("large", 200_000), ("a", 1), ("b", 1), ("c", 1), ("d", 40_000), ("e", 1)]) == [
        ["large"],
        ["a", "b", "c", "d"],
        ["e"],
    ]
    assert portions([]) == []


def test_owner_without_version() -> None:
    assert AlteredFile("x", "pytorch-lightning 2.6.5", "size").package == "pytorch-lightning"
