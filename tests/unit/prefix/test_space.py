"""Is there room? As the file system says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.errors import DiskSpaceError
from bootstrap.prefix.space import UNPACKED_RATIO, require_space
from tests.support.records import record


def test_what_is_needed_is_estimated_from_the_archives(tmp_path: Path) -> None:
    records = [record("numpy", size=1000), record("tool", size=500), record("unknown", size=None)]
    assert require_space(records, [tmp_path]) == 1500 * UNPACKED_RATIO
    assert require_space([], [tmp_path]) == 0


def test_what_can_not_fit_is_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(DiskSpaceError) as caught:
        require_space([record("weights", size=10**16)], [tmp_path / "not/there/yet"])
    (line,) = caught.value.evidence
    assert line.startswith(f"{tmp_path}: ")
    assert "free, at least" in line


def test_just_what_is_free_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    free = os.statvfs_result([*real[:1], 1, *real[2:4], 4000, *real[5:]])
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    require_space([record("numpy", size=1000)], [tmp_path])
    with pytest.raises(DiskSpaceError):
        require_space([record("numpy", size=1001)], [tmp_path])
