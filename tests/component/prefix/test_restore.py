"""Restoring for real: a served channel, the real engine, the file system as it comes out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap.errors import HashMismatchError, NotOursError, OfflineError
from bootstrap.lock import judge, read_lock
from bootstrap.prefix import compare_prefix
from bootstrap.prefix.cache import PackageCache
from bootstrap.prefix.state import read_state, suspects
from tests.component.prefix import tiny
from tests.component.prefix.tiny import Site, leftovers, snapshot
from tests.support.channel.tiny import TinyChannel


@pytest.fixture
def site(tmp_path: Path):
    with tiny.site(tmp_path) as found:
        yield found


def agrees(site: Site, lock: Path | None = None) -> bool:
    records = judge(read_lock(lock or site.lock()), "linux-64")
    return compare_prefix(site.prefix, records).agrees


def fetched(site: Site) -> set[str]:
    return {path.rsplit("/", 1)[-1].rsplit("-", 2)[0] for path in site.server.requests if path.endswith(".conda")}


def test_creates_an_environment(site: Site) -> None:
    result = site.restore()
    assert (result.action, result.packages, result.fetched) == ("created", 5, 5)
    assert result.fetched_bytes > tiny.BIG
    assert agrees(site)
    assert leftovers(site.prefix) == []
    # The final path stands in scripts and libraries, not the one it was built at.
    assert (site.prefix / "bin/f2py").read_text().startswith(f"#!{site.prefix}/bin/python\n")
    assert f"ELF {site.prefix}/share/foo\0".encode() in (site.prefix / "lib/libfoo.so").read_bytes()
    assert (site.prefix / "bin/tool").read_text().startswith(f"#!{site.prefix}/bin/python3.13\n")
    assert (site.prefix / "lib/python3.13/site-packages/tool/__init__.py").is_file()
    assert os.readlink(site.prefix / "bin/python") == "python3.13"
    out = subprocess.run([site.prefix / "bin/python"], capture_output=True, text=True, check=True)
    assert out.stdout == "python\n"


def test_a_file_of_several_packages(site: Site) -> None:
    names = ["first", "second", "third", "fourth"]
    for name in names:
        # One that others need is installed before them; whose file is in place is decided at the end.
        depends = {"first": ["fourth"], "second": ["third"]}.get(name, [])
        files = {"share/same.txt": f"{name}\n", f"share/{name}.txt": name}
        site.channel.add(name, "1", files=files, depends=depends)
    site.channel.index()
    lock = site.lock()
    # In which order they are linked is chance.
    for _ in range(5):
        shutil.rmtree(site.prefix, ignore_errors=True)
        site.restore(lock)
        ledger = read_state(site.prefix)
        assert ledger
        for name in names:
            meta = json.loads((site.prefix / f"conda-meta/{name}-1-0.json").read_text())
            owned = {entry["_path"] for entry in meta["paths_data"]["paths"]}
            assert set(ledger.files[f"{name}-1-0"]) == {*owned, f"conda-meta/{name}-1-0.json"}
            assert meta["license"] == "BSD-3-Clause"
        assert suspects(site.prefix, ledger) == set()
        assert agrees(site, lock)
        assert site.restore(lock).action == "unchanged"


def test_records_are_complete_for_conda(site: Site) -> None:
    site.restore()
    tool = json.loads((site.prefix / "conda-meta/tool-1.0-py_0.json").read_text())
    assert tool["noarch"] == "python"
    assert tool["license"] == "BSD-3-Clause"
    assert tool["url"] == f"{site.server.url}/noarch/tool-1.0-py_0.conda"
    assert tool["md5"]
    for meta in (site.prefix / "conda-meta").glob("*.json"):
        assert json.loads(meta.read_text())["name"], "conda reads every conda-meta/*.json as a record"


def test_does_nothing_when_it_agrees(site: Site) -> None:
    site.restore()
    before = snapshot(site.prefix)
    requests = dict(site.server.requests)
    assert site.restore().action == "unchanged"
    assert snapshot(site.prefix) == before
    assert dict(site.server.requests) == requests


def test_a_new_folder_is_filled_from_the_cache(site: Site) -> None:
    lock = site.lock()
    site.restore(lock)
    site.server.requests.clear()
    result = site.restore(lock, prefix=site.root / "other", offline=True)
    assert (result.action, result.fetched) == ("created", 0)
    assert not site.server.requests
    assert compare_prefix(site.root / "other", judge(read_lock(lock), "linux-64")).agrees
    assert (site.root / "other/bin/f2py").read_text().startswith(f"#!{site.root}/other/bin/python\n")


def test_a_file_channel_needs_no_server(site: Site) -> None:
    lock = site.channel.write_lock(site.root / "file.yml")
    result = site.restore(lock, offline=True)
    assert result.action == "created"
    assert agrees(site, lock)


def test_a_changed_lock_moves_only_the_difference(site: Site) -> None:
    site.restore()
    pip_file = site.prefix / "lib/python3.13/site-packages/mine.py"
    pip_file.write_text("mine = 1\n")
    inode = (site.prefix / "share/weights/data.bin").stat().st_ino
    site.server.requests.clear()
    tiny.fill(site.channel, numpy="2.3.5", extra=True)
    lock = site.lock(packages=["python", "numpy", "tool", "weights", "extra"])
    result = site.restore(lock)
    assert result.action == "updated"
    assert set(result.installed) == {"numpy 2.3.5", "extra 0.1"}
    assert set(result.removed) == {"numpy 2.3.4", "libfoo 4.5"}
    assert fetched(site) == {"numpy", "extra"}
    assert agrees(site, lock)
    assert pip_file.read_text() == "mine = 1\n", "files that no package owns are kept"
    assert (site.prefix / "share/weights/data.bin").stat().st_ino == inode
    assert not (site.prefix / "lib/libfoo.so").exists()
    assert leftovers(site.prefix) == []


def test_bytecode_of_what_changed_goes_with_it(site: Site) -> None:
    """A source of the same length and time as the one that was compiled would otherwise not be compiled anew."""
    site.restore()
    packages = site.prefix / "lib/python3.13/site-packages"
    for module in ("numpy/__init__", "tool/__init__", "mine"):
        folder, _, name = module.rpartition("/")
        (packages / folder / "__pycache__").mkdir(exist_ok=True)
        (packages / folder / "__pycache__" / f"{name}.cpython-313.pyc").write_bytes(b"compiled")
    tiny.fill(site.channel, numpy="2.3.5")
    site.restore(site.lock(packages=["python", "numpy", "weights"]))
    assert not (packages / "numpy/__pycache__").exists(), "numpy is another version"
    assert not (packages / "tool").exists(), "tool is gone, and must not be importable as an empty namespace"
    assert (packages / "__pycache__/mine.cpython-313.pyc").exists(), "what no package owns is kept"


def test_back_to_the_old_lock_needs_no_fetch(site: Site) -> None:
    old = site.lock("old.yml")
    site.restore(old)
    first = snapshot(site.prefix)
    tiny.fill(site.channel, numpy="2.3.5")
    site.restore(site.lock("new.yml"))
    assert site.restore(old, offline=True).action == "updated"
    now = snapshot(site.prefix)
    ours = "conda-meta/condacolab-bootstrap"
    assert {k: v for k, v in now.items() if k != ours} == {k: v for k, v in first.items() if k != ours}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("lib/python3.13/site-packages/numpy/_core.so", "edited"),
        ("lib/python3.13/site-packages/numpy/__init__.py", "deleted"),
        ("share/weights/data.bin", "truncated"),
        ("bin/f2py", "edited"),
        ("lib/libfoo.so", "retargeted"),
        ("lib/python3.13/site-packages/tool/__init__.py", "replaced"),
    ],
)
def test_altered_files_are_repaired(site: Site, path: str, reason: str) -> None:
    site.restore()
    sound = snapshot(site.prefix)
    target = site.prefix / path
    if reason == "edited":  # in place: the cache shares the file, and must not hand the edit out again
        with target.open("r+b") as file:
            file.write(b"\xff\xff")
    elif reason == "deleted":
        target.unlink()
    elif reason == "truncated":
        os.truncate(target, 100)
    elif reason == "retargeted":
        target.unlink()
        target.symlink_to("/nowhere")
    else:
        target.unlink()
        target.write_text("def main(): ...\n")
    result = site.restore()
    assert result.action == "repaired"
    assert len(result.installed) == 1
    ours = "conda-meta/condacolab-bootstrap"
    assert {k: v for k, v in snapshot(site.prefix).items() if k != ours} == {
        k: v for k, v in sound.items() if k != ours
    }
    assert agrees(site)


def test_what_pip_laid_over_a_package_goes_when_it_is_repaired(site: Site) -> None:
    """As pip does it: the old files deleted, its own written, conda-meta untouched. A user's own package stays."""
    packages = "lib/python3.13/site-packages"
    files = {f"{packages}/numpy/__init__.py": "__version__ = '2.3.4'\n", f"{packages}/numpy/core.py": "core = 1\n"}
    info = {f"{packages}/numpy-2.3.4.dist-info/{name}": f"{name} of 2.3.4\n" for name in ("METADATA", "RECORD")}
    site.channel.add("numpy", "2.3.4", build="py313_0", depends=["python"], files={**files, **info})
    site.channel.index()
    site.restore()
    sound = snapshot(site.prefix)
    place = site.prefix / packages
    shutil.rmtree(place / "numpy-2.3.4.dist-info")
    for name, version, own in (("numpy", "1.26.4", "numpy/only_old.py"), ("mine", "1.0", "mine/__init__.py")):
        (place / own).parent.mkdir(exist_ok=True)
        (place / own).write_text("old = 1\n")
        (place / f"{name}-{version}.dist-info").mkdir()
        (place / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\n")
        rows = [
            own,
            f"{name}/__init__.py",
            f"../../../bin/{name}-tool",
            f"{name}-{version}.dist-info/METADATA",
            "../../../../../outside",
        ]
        (place / f"{name}-{version}.dist-info/RECORD").write_text("".join(f"{row},,\n" for row in rows))
        (site.prefix / f"bin/{name}-tool").write_text("#!/bin/sh\n")
    (place / "numpy/__init__.py").write_text("__version__ = '1.26.4'\n")
    (site.root / "outside").write_text("not the environment's")
    assert site.restore().action == "repaired"
    now = snapshot(site.prefix)
    mine = {key for key in now if "mine" in key}
    assert {f"{packages}/mine/__init__.py", "bin/mine-tool", f"{packages}/mine-1.0.dist-info/RECORD"} <= mine
    ours = {"conda-meta/condacolab-bootstrap"}
    assert {k: v for k, v in now.items() if k not in mine | ours} == {k: v for k, v in sound.items() if k not in ours}
    assert (site.root / "outside").exists()
    # An interrupted pip leaves its metadata alone behind, with every file of the package as it was.
    (place / "numpy-1.26.4.dist-info").mkdir()
    (place / "numpy-1.26.4.dist-info/METADATA").write_text("Name: numpy\n")
    assert site.restore().action == "repaired"
    assert not (place / "numpy-1.26.4.dist-info").exists()
    assert site.restore().action == "unchanged"


def test_an_unreadable_record_is_repaired(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/numpy-2.3.4-py313_0.json").write_text("{")
    assert site.restore().action == "updated"
    assert agrees(site)


def test_a_lost_record_is_repaired(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/numpy-2.3.4-py313_0.json").unlink()
    assert site.restore().action == "updated"
    assert agrees(site)


def test_a_lost_ledger_asks_before_taking_over(site: Site) -> None:
    site.restore()
    (site.prefix / "conda-meta/condacolab-bootstrap").unlink()
    before = snapshot(site.prefix)
    with pytest.raises(NotOursError):
        site.restore()
    assert snapshot(site.prefix) == before
    assert site.restore(adopt=True).action == "unchanged"


def test_a_ledger_of_the_first_form_is_understood(site: Site) -> None:
    site.restore()
    ledger = site.prefix / "conda-meta/condacolab-bootstrap"
    data = json.loads(ledger.read_text())

    def as_list(text: str) -> list[int | str]:
        if text.startswith("-> "):
            return [text.removeprefix("-> ")]
        return [] if text == "/" else [int(value) for value in text.split()]

    files = {stem: {path: as_list(text) for path, text in paths.items()} for stem, paths in data["files"].items()}
    ledger.write_text(json.dumps({**data, "schema": 1, "files": files}))
    assert site.restore().action == "unchanged"
    (site.prefix / "lib/python3.13/os.py").write_text("sep = '!'\n")
    assert site.restore().action == "repaired"


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
    "how", ["a file gone", "a size changed", "index.json gone", "paths.json gone", "paths.json cut"]
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
    records = judge(read_lock(site.lock()), "linux-64")
    assert [str(record) for record in records if not cache.find(record)] == []


def test_the_records_lie_beside_the_files(site: Site) -> None:
    site.restore()
    meta = site.prefix / "conda-meta"
    assert not meta.is_symlink()
    assert meta.stat().st_mode == (site.prefix / "lib").stat().st_mode
    site.restore(site.lock("less.yml", packages=["python", "numpy"]))
    assert not meta.is_symlink()
    assert {path.name.split("-")[0] for path in meta.glob("*.json")} == {"python", "numpy"}


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


def test_into_an_empty_folder(site: Site) -> None:
    site.prefix.mkdir()
    assert site.restore().action == "created"


def test_through_a_link(site: Site) -> None:
    (site.root / "real").mkdir()
    link = site.root / "link"
    link.symlink_to(site.root / "real")
    site.restore(prefix=link)
    assert link.is_symlink()
    assert (site.root / "real/conda-meta").is_dir()
    assert site.restore(prefix=link).action == "unchanged"


def test_a_relative_prefix_becomes_absolute(site: Site, monkeypatch) -> None:
    monkeypatch.chdir(site.root)
    site.restore(prefix=Path("rel/env"))
    assert (site.root / "rel/env/bin/f2py").read_text().startswith(f"#!{site.root}/rel/env/bin/python\n")


def test_the_working_directory_is_not_imported(site: Site, monkeypatch, tmp_path: Path) -> None:
    """A user's own json.py or rattler.py beside the notebook must not reach the engine."""
    trap = tmp_path / "work"
    trap.mkdir()
    for name in ("rattler", "json", "asyncio", "bootstrap"):
        (trap / f"{name}.py").write_text("raise RuntimeError('trap')\n")
    monkeypatch.chdir(trap)
    monkeypatch.syspath_prepend("")
    assert site.restore().action == "created"


def test_two_at_once_end_with_one_environment(site: Site) -> None:
    from concurrent.futures import ThreadPoolExecutor

    lock = site.lock()
    with ThreadPoolExecutor(2) as pool:
        actions = sorted(r.action for r in pool.map(lambda _: site.restore(lock), range(2)))
    assert actions == ["created", "unchanged"]
    assert agrees(site, lock)
