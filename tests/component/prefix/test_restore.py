"""Restoring for real: a served channel, the real engine, the file system as it comes out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support import tiny_site as tiny
from tests.support.tiny_site import Site, agrees, fetched, leftovers, snapshot


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
    """Many times over in tests/soak: in which order packages are linked is chance."""
    tiny.add_quarrelling_packages(site)
    tiny.restore_quarrelling_packages(site)


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


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
def test_the_records_lie_beside_the_files(site: Site) -> None:
    site.restore()
    meta = site.prefix / "conda-meta"
    assert not meta.is_symlink()
    assert meta.stat().st_mode == (site.prefix / "lib").stat().st_mode
    site.restore(site.lock("less.yml", packages=["python", "numpy"]))
    assert not meta.is_symlink()
    assert {path.name.split("-")[0] for path in meta.glob("*.json")} == {"python", "numpy"}


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
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
