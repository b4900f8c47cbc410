"""Reading a lock: the same as conda-lock's own parser on every field."""

from __future__ import annotations

from pathlib import Path

import pytest
from conda_lock.lockfile import parse_conda_lock_file

from bootstrap.lock import Lock, read_lock
from tests.support import ROOT, locks


def as_conda_lock_reads(path: Path) -> dict[tuple[str, str, str], dict[str, object]]:
    return {
        (p.manager, p.name, p.platform): {
            "version": p.version,
            "url": p.url,
            "md5": p.hash.md5,
            "sha256": p.hash.sha256,
            "depends": dict(p.dependencies),
            "categories": tuple(sorted(p.categories)),
            "build": p.build,
        }
        for p in parse_conda_lock_file(path).package
    }


def as_we_read(lock: Lock) -> dict[tuple[str, str, str], dict[str, object]]:
    return {
        (r.manager, r.name, r.platform): {
            "version": r.version,
            "url": r.url,
            "md5": r.md5,
            "sha256": r.sha256,
            "depends": dict(r.depends),
            "categories": r.categories,
            "build": r.locked_build,
        }
        for r in lock.records
    }


def assert_agrees_with_conda_lock(path: Path) -> Lock:
    lock = read_lock(path)
    assert as_we_read(lock) == as_conda_lock_reads(path)
    meta = parse_conda_lock_file(path).metadata
    assert dict(lock.content_hash) == meta.content_hash
    assert list(lock.channels) == [c.url for c in meta.channels]
    assert list(lock.platforms) == meta.platforms
    assert list(lock.sources) == meta.sources
    return lock


def test_agrees_with_conda_lock_on_platforms_and_categories(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "conda-lock.yml", locks.sound_lock())
    lock = assert_agrees_with_conda_lock(path)
    assert len(lock.records) == 7, "attrs stands in two categories and is one record"
    attrs = next(r for r in lock.records if r.name == "attrs")
    assert attrs.categories == ("dev", "docs")


@pytest.mark.parametrize("name", ["conda-lock.yml", "conda-lock-cuda.yml"])
def test_agrees_with_conda_lock_on_the_committed_locks(name: str) -> None:
    lock = assert_agrees_with_conda_lock(ROOT / name)
    assert len(lock.records) > 200


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("pip", {"manager": "pip", "url": "https://files.pythonhosted.org/x.whl", "hash": {"sha256": "1" * 64}}),
        ("build", {"build": "py313_0"}),
        ("source", {"source": {"type": "url", "url": "https://example.org/x"}}),
        ("no-sha256", {"hash": {"md5": "0" * 32}}),
        ("no-dependencies", {"dependencies": {}}),
    ],
)
def test_agrees_with_conda_lock_on_unusual_entries(tmp_path: Path, name: str, more: dict[str, object]) -> None:
    lock = locks.sound_lock()
    lock["package"].append(locks.package("other", **more))
    assert_agrees_with_conda_lock(locks.write(tmp_path / f"{name}.yml", lock))


def test_sizes_come_from_comments_that_conda_lock_skips(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    lines = path.read_text().splitlines()
    numbered = [f"{line}  # size: {1000 + i}" if "sha256:" in line else line for i, line in enumerate(lines)]
    path.write_text("\n".join(numbered))
    lock = assert_agrees_with_conda_lock(path)
    sizes = [r.size for r in lock.records]
    assert all(size and size >= 1000 for size in sizes)
    assert len(set(sizes)) == len(sizes), "each record has its own"
