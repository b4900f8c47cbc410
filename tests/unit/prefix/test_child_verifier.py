"""Hashing: a verdict for every way a file can be wrong."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from bootstrap.prefix._child_verifier import AlteredFile, verify_files
from bootstrap.prefix.records import InstalledFile, InstalledRecord

COUNT = 600
"""More than are hashed in one process."""


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


@pytest.mark.parametrize("workers", [1, 3])
def test_every_fault_is_told_apart(workers: int, prefix: Path) -> None:
    assert verify_files(prefix, [record(prefix)], workers=workers) == []
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
    found = {f.path: f.reason for f in verify_files(prefix, [record(prefix)], workers=workers)}
    assert found == {
        "f10": "missing",
        "f20": "sha256",
        "f30": "size",
        "f40": "type",
        "f50": "type",
        "link": "type",
        "folder": "missing",
    }
    assert {f.owner for f in verify_files(prefix, [record(prefix)], workers=workers)} == {"pkg 1.0"}


def test_a_worker_that_dies_costs_no_verdict(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (prefix / "f20").write_bytes(b"\xff" * 140)
    assert [f.path for f in verify_files(prefix, [record(prefix)], workers=2)] == ["f20"]


def test_owner_without_version() -> None:
    assert AlteredFile("x", "pytorch-lightning 2.6.5", "size").package == "pytorch-lightning"
