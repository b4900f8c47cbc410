"""Restoring from the cache of unpacked packages: what of it is believed, and what is fetched again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bootstrap.errors import HashMismatchError, OfflineError
from bootstrap.lock import read_lock, validate
from bootstrap.prefix.cache import PackageCache
from bootstrap.prefix.compare import compare_prefix
from tests.support import one_of
from tests.support import tiny_site as tiny
from tests.support.channel.tiny import TinyChannel
from tests.support.tiny_site import Site, agrees, fetched, leftovers


def test_an_edited_cache_is_not_believed(site: Site) -> None:
    site.restore()
    shutil.rmtree(site.prefix)
    cached = site.cache / "pkgs/numpy-2.3.4-py313_0/lib/python3.13/site-packages/numpy/_core.so"
    with cached.open("r+b") as file:
        file.write(b"\xff\xff")
    site.server.requests.clear()
    assert site.restore().action == "created"
    assert fetched(site) == {"numpy"}
    assert agrees(site)


@pytest.mark.parametrize(
    "how", one_of("a file gone", "a size changed", "index.json gone", "paths.json gone", "paths.json cut")
)
def test_a_damaged_cache_is_filled_again(site: Site, how: str) -> None:
    """Entries are believed until they are linked: the engine may stumble over them, or what it did is thrown away."""
    site.restore()
    shutil.rmtree(site.prefix)
    entry = site.cache / "pkgs/numpy-2.3.4-py313_0"
    module = entry / "lib/python3.13/site-packages/numpy/_core.so"
    if how == "a file gone":
        module.unlink()
    elif how == "a size changed":
        with module.open("ab") as file:
            file.write(b"more")
    elif how == "paths.json cut":
        paths = entry / "info/paths.json"
        paths.write_bytes(paths.read_bytes()[:100])
    else:
        (entry / "info" / how.split()[0]).unlink()
    site.server.requests.clear()
    restored = site.restore()
    assert (restored.action, restored.fetched) == ("created", 1)
    assert fetched(site) == {"numpy"}
    assert agrees(site)
    assert leftovers(site.prefix) == []
    shutil.rmtree(site.prefix)
    site.server.requests.clear()
    site.restore()
    assert fetched(site) == set()


def test_a_damaged_cache_can_not_be_filled_offline(site: Site) -> None:
    site.restore()
    shutil.rmtree(site.prefix)
    (site.cache / "pkgs/numpy-2.3.4-py313_0/lib/python3.13/site-packages/numpy/_core.so").unlink()
    with pytest.raises(OfflineError) as raised:
        site.restore(offline=True)
    assert "numpy 2.3.4" in raised.value.evidence
    assert not site.prefix.exists()
    assert leftovers(site.prefix) == []


@pytest.mark.exhaustive
def test_what_the_engine_fetches_unasked_is_not_believed(tmp_path: Path) -> None:
    """Nobody hashes a local archive but us, and only those that are to be fetched."""
    with tiny.site(tmp_path) as site:
        lock = site.channel.write_lock(tmp_path / "local.yml", channel_url=site.channel.path.as_uri())
        site.restore(lock)
        shutil.rmtree(site.prefix)
        # The engine takes an entry without this file for none, and unpacks the archive once more.
        (site.cache / "pkgs/numpy-2.3.4-py313_0/info/index.json").unlink()
        archive = site.channel.path / site.archive("numpy")
        good = archive.read_bytes()
        archive.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        with pytest.raises(HashMismatchError):
            site.restore(lock)
        assert not site.prefix.exists()
        archive.write_bytes(good)
        assert site.restore(lock).action == "created"


def test_a_voucher_is_the_same_by_whichever_way_it_was_found(site: Site) -> None:
    """A restore sees entries through the prefix; later ones may look at the entries themselves."""
    site.restore()
    cache = PackageCache(site.cache)
    records = validate(read_lock(site.lock()), "linux-64")
    assert [str(record) for record in records if not cache.find(record)] == []


@pytest.mark.exhaustive
def test_a_cache_entry_of_another_archive_is_not_believed(site: Site) -> None:
    """The engine stamps an entry with the hash it wants before it has fetched it, and would then use the old one."""
    site.restore()
    shutil.rmtree(site.prefix)
    other = TinyChannel(site.root / "channel")
    tiny.fill(other)
    other.add("weights", "1.0", files={"share/weights/data.bin": b"other content, same name"})
    other.index()
    site.channel = other
    site.restore()
    assert (site.prefix / "share/weights/data.bin").read_bytes() == b"other content, same name"
    assert agrees(site)


def test_a_new_folder_is_filled_from_the_cache(site: Site) -> None:
    lock = site.lock()
    site.restore(lock)
    site.server.requests.clear()
    result = site.restore(lock, prefix=site.root / "other", offline=True)
    assert (result.action, result.fetched) == ("created", 0)
    assert not site.server.requests
    assert compare_prefix(site.root / "other", validate(read_lock(lock), "linux-64")).agrees
    assert (site.root / "other/bin/f2py").read_text().startswith(f"#!{site.root}/other/bin/python\n")
