"""Restoring for real: a served channel, the real engine, the file system as it comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import api
from bootstrap.health.record_files import file_sha256
from bootstrap.lock import read_lock, validate
from bootstrap.prefix.compare import compare_prefix
from tests.support import ROOT
from tests.support import tiny_site as tiny
from tests.support.records import install, path_entry, record, write_meta
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


def test_status_compares_with_the_lock_it_was_made_from_unless_another_lies_here(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.restore()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = api.status(prefix=site.prefix, cache=site.cache)
    assert found.agrees
    assert found.lock == site.root / "conda-lock.yml"
    (folder / "conda-lock.yml").write_bytes((ROOT / "conda-lock.yml").read_bytes())
    found = api.status(prefix=site.prefix, cache=site.cache)
    assert (found.agrees, found.lock) == (False, folder / "conda-lock.yml")


def test_a_file_of_several_packages(site: Site) -> None:
    """Many times over in tests/soak: in which order packages are linked is chance."""
    tiny.add_quarrelling_packages(site)
    tiny.restore_quarrelling_packages(site)


def test_conda_takes_it_for_its_own(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.channel.add("exact", "1", build="h0_0", depends=["libfoo 4.5 h1_0", "__glibc >=2.17"])
    site.channel.index()
    monkeypatch.delenv("CONDA_REGISTER_ENVS")
    monkeypatch.setenv("HOME", str(site.root))
    (site.root / "environment.yml").write_text("dependencies:\n- python <3.14\n- numpy >=3\n- tool\n")
    site.restore()

    def meta(stem: str) -> dict:
        return json.loads((site.prefix / f"conda-meta/{stem}.json").read_text())

    tool = meta("tool-1.0-py_0")
    assert {key: tool[key] for key in ("noarch", "package_type", "license", "url", "channel", "requested_spec")} == {
        "noarch": "python",
        "package_type": "noarch_python",
        "license": "BSD-3-Clause",
        "url": f"{site.server.url}/noarch/tool-1.0-py_0.conda",
        "channel": f"{site.server.url}/noarch",
        "requested_spec": "tool",
    }
    assert tool["md5"]
    assert meta("exact-1-h0_0")["depends"] == ["libfoo 4.5 h1_0", "__glibc >=2.17"]
    for entry in [e for name in ("python-3.13.1-h0_0_cp313", "libfoo-4.5-h1_0") for e in paths(meta(name))]:
        assert entry["sha256_in_prefix"] == file_sha256(site.prefix / entry["_path"]), "as conda doctor compares them"
    umask = os.umask(0o022)
    os.umask(umask)
    assert (site.prefix / "bin/tool").stat().st_mode & 0o777 == 0o666 & ~umask | 0o111
    history = (site.prefix / "conda-meta/history").read_text().splitlines()
    # numpy's bound isn't the lock's, so somebody has edited it meanwhile.
    assert history[-1] == "# update specs: ['python <3.14', 'numpy', 'tool']"
    assert sum(line.startswith("+") for line in history) == 6
    assert (site.root / ".conda/environments.txt").read_text() == f"{site.prefix}\n"
    for path in (site.prefix / "conda-meta").glob("*.json"):
        assert json.loads(path.read_text())["name"], "conda reads every conda-meta/*.json as a record"


def paths(record: dict) -> list[dict]:
    """The files of a record."""
    found: list[dict] = record["paths_data"]["paths"]
    return found


def test_what_conda_installed_goes_with_its_files(site: Site) -> None:
    """conda records the files of noarch packages by their places in the package; the engine looks for them there."""
    site.restore()
    extra = record("extra", url=f"{site.server.url}/noarch/extra-1.0-h0_0.conda")
    files = [f"lib/python3.13/site-packages/extra/{name}" for name in ("__init__.py", "__pycache__/__init__.pyc")]
    install(site.prefix, extra, dict.fromkeys([*files, "bin/extra"], "x"))
    entries = [
        path_entry("site-packages/extra/__init__.py", "x"),
        {"_path": files[1], "path_type": "pyc_file", "size_in_bytes": 3},
        {"_path": "bin/extra", "path_type": "unix_python_entry_point", "size_in_bytes": 1},
    ]
    meta = write_meta(site.prefix, extra, entries)
    more = {
        "noarch": "python",
        "files": [*files, "bin/extra"],
        "build_number": 0,
        "depends": [],
        "fn": extra.filename,
    }
    meta.write_text(json.dumps({**json.loads(meta.read_text()), **more}))
    found = compare_prefix(site.prefix, validate(read_lock(site.lock()), "linux-64"))
    assert ([str(r) for r in found.extra], found.altered) == (["extra 1.0"], ())
    assert site.restore().removed == ("extra 1.0",)
    assert not [path for path in (*files, "bin/extra") if (site.prefix / path).exists()]
    assert agrees(site)


def test_a_moved_environment_gets_its_new_place_written(site: Site) -> None:
    site.restore()
    moved = site.root / "moved"
    site.prefix.rename(moved)
    result = site.restore(prefix=moved)
    assert (result.action, set(result.installed)) == ("repaired", {"numpy 2.3.4", "tool 1.0", "libfoo 4.5"})
    assert (moved / "bin/tool").read_text().startswith(f"#!{moved}/bin/python3.13\n")
    assert site.restore(prefix=moved).action == "unchanged"


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
    for path in ("conda-meta/condacolab-bootstrap", "conda-meta/history"):
        assert now.pop(path) != first.pop(path)
    assert now == first


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


def test_where_the_time_goes(site: Site, tmp_path: Path) -> None:
    command = ["restore", "--lock", site.lock(), "--prefix", site.prefix, "--cache", site.cache, "--json"]
    trace = tmp_path / "trace.json"
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap", *map(str, command), f"--profile={trace}"],
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    stages = {stage["name"] for stage in json.loads(done.stdout)["profile"]["stages"]}
    assert {"import", "read the lock", "install", "verify", "switch"} <= stages
    events = json.loads(trace.read_text())["traceEvents"]
    assert {event["args"].get("process") for event in events if event["ph"] == "X"} == {"bootstrap", "engine"}
    names = {event["name"] for event in events}
    for work in ("fetch, verify, unpack", "admit", "hash files of", "link", "prove the files of"):
        assert f"{work} tool" in names, work
