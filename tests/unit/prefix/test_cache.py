"""Vouchers: which unpacked packages may be used again."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.errors import PrefixNotWritableError
from bootstrap.lock import Record
from bootstrap.prefix.cache import PackageCache, default_cache, fingerprint_tree
from bootstrap.prefix.staging import hold

RECORD = Record(
    name="numpy",
    version="2.3.4",
    manager="conda",
    platform="linux-64",
    url="https://conda.anaconda.org/conda-forge/linux-64/numpy-2.3.4-py313_0.conda",
    sha256="ab" * 32,
    md5=None,
)


@pytest.fixture
def cache(tmp_path: Path):
    found = PackageCache(tmp_path / "cache")
    with found.locked(lambda: None):
        entry = found.pkgs / RECORD.stem
        (entry / "lib").mkdir(parents=True)
        (entry / "lib/umath.so").write_bytes(b"code" * 100)
        (entry / "lib/umath.so.1").symlink_to("umath.so")
        yield found


def mark_verified(cache: PackageCache) -> None:
    cache.mark_verified(RECORD, fingerprint_tree(cache.pkgs / RECORD.stem))


def test_without_a_voucher_nothing_counts(cache: PackageCache) -> None:
    assert not cache.find(RECORD)
    cache.discard_unverified()
    assert not (cache.pkgs / RECORD.stem).exists()


def test_with_a_voucher_it_counts(cache: PackageCache) -> None:
    mark_verified(cache)
    assert cache.find(RECORD)
    assert cache.holds(RECORD)
    cache.discard_unverified()
    assert cache.find(RECORD)


def test_a_voucher_is_for_one_archive(cache: PackageCache) -> None:
    mark_verified(cache)
    assert not cache.find(replace(RECORD, sha256="cd" * 32))
    assert not cache.holds(replace(RECORD, sha256="cd" * 32))


@pytest.mark.parametrize("how", ["edited", "grown", "deleted", "added", "made executable", "retargeted"])
def test_a_changed_entry_does_not_count(cache: PackageCache, how: str) -> None:
    mark_verified(cache)
    file = cache.pkgs / RECORD.stem / "lib/umath.so"
    os.utime(file, (1, 1))
    mark_verified(cache)
    if how == "edited":
        with file.open("r+b") as opened:
            opened.write(b"x")
    elif how == "grown":
        with file.open("ab") as opened:
            opened.write(b"x")
    elif how == "deleted":
        file.unlink()
    elif how == "added":
        (file.parent / "more").write_text("")
    elif how == "made executable":
        file.chmod(0o755)
    else:
        link = file.with_name("umath.so.1")
        link.unlink()
        link.symlink_to("/elsewhere/umath.so")
    assert not cache.find(RECORD)


def test_an_entry_that_is_gone_does_not_count(cache: PackageCache) -> None:
    cache.discard(RECORD.stem)
    mark_verified(cache)
    assert not cache.find(RECORD)


def test_linking_into_a_prefix_changes_nothing(cache: PackageCache, tmp_path: Path) -> None:
    mark_verified(cache)
    os.link(cache.pkgs / RECORD.stem / "lib/umath.so", tmp_path / "umath.so")
    assert cache.find(RECORD)


def test_a_garbled_voucher_is_none(cache: PackageCache) -> None:
    mark_verified(cache)
    (cache.root / "vouchers" / f"{RECORD.stem}.json").write_text("{")
    assert not cache.find(RECORD)


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOOTSTRAP_CACHE", str(tmp_path / "named"))
    assert default_cache() == tmp_path / "named"
    monkeypatch.delenv("BOOTSTRAP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "condacolab-bootstrap"


def test_a_cache_that_stayed_empty_is_deleted_with_the_folders_made_for_it(tmp_path: Path) -> None:
    cache = PackageCache(tmp_path / "some" / "where")
    with cache.locked(lambda: None):
        assert cache.pkgs.is_dir()
    assert list(tmp_path.iterdir()) == []
    cache.root.mkdir(parents=True)
    with cache.locked(lambda: None):
        assert cache.pkgs.is_dir()
    assert list(cache.root.iterdir()) == []


def test_a_cache_with_something_in_it_stays(tmp_path: Path) -> None:
    cache = PackageCache(tmp_path / "cache")
    for _ in range(2):
        with cache.locked(lambda: None):
            (cache.pkgs / RECORD.stem).mkdir(exist_ok=True)
    assert (cache.pkgs / RECORD.stem).is_dir()


def test_who_waits_for_a_cache_that_is_then_deleted_has_it_afterwards(tmp_path: Path) -> None:
    cache, told, held = PackageCache(tmp_path / "cache"), threading.Event(), threading.Event()

    def wait_for_it() -> None:
        with PackageCache(cache.root).locked(told.set):
            (cache.pkgs / "entry").mkdir()
            held.set()

    waiter = threading.Thread(target=wait_for_it)
    with cache.locked(lambda: None):
        waiter.start()
        assert told.wait(30)
        assert not held.is_set()
    assert held.wait(30)
    waiter.join(30)
    assert [path.name for path in cache.root.iterdir()] == ["pkgs"]


def test_the_folder_that_holds_the_prefix_may_be_the_cache(tmp_path: Path) -> None:
    """A restore holds that folder as well."""
    told: list[str] = []
    with hold(tmp_path / "env", waiting=lambda: None), PackageCache(tmp_path).locked(lambda: told.append(".")):
        assert told == []


@pytest.mark.parametrize("where", ["/proc/nowhere", "/proc"])
def test_where_no_cache_can_be_made(where: str) -> None:
    with pytest.raises(PrefixNotWritableError) as caught, PackageCache(Path(where)).locked(lambda: None):
        pass
    assert where in caught.value.evidence[0]
