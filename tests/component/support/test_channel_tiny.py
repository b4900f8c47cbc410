from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.channel.server import serve
from tests.support.channel.tiny import Executable, Placeholder, Symlink, TinyChannel

# In a child that ends without cleaning up: py-rattler can crash when its interpreter ends.
_INSTALL = """
import asyncio, os, sys, rattler
channel, prefix, cache, *specs = sys.argv[1:]
async def main():
    records = await rattler.solve([channel], specs, platforms=["linux-64", "noarch"])
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)
asyncio.run(main())
os._exit(0)
"""


def install(url: str, folder: Path, *specs: str) -> Path:
    prefix = folder / "prefix"
    command = [sys.executable, "-c", _INSTALL, url, str(prefix), str(folder / "cache"), *specs]
    subprocess.run(command, check=True, timeout=60)
    return prefix


@pytest.fixture(name="channel")
def _channel(tmp_path: Path) -> TinyChannel:
    channel = TinyChannel(tmp_path / "channel")
    channel.add(
        "alpha",
        files={
            "share/alpha/data": b"\x00\x01",
            "share/alpha/link": Symlink("data"),
            "bin/alpha": Executable(Placeholder("#!{prefix}/bin/python\n")),
            "lib/alpha.bin": Placeholder("\x7fBIN{prefix}/lib", mode="binary"),
        },
    )
    channel.add("beta", "2.0", build="h0_3", depends=["alpha >=1", "__unix"], noarch="generic")
    return channel.index()


def test_the_engine_solves_and_installs_it(channel: TinyChannel, tmp_path: Path) -> None:
    prefix = install(channel.url, tmp_path, "alpha")
    assert (prefix / "share/alpha/data").read_bytes() == b"\x00\x01"
    assert (prefix / "share/alpha/link").readlink() == Path("data")
    assert (prefix / "bin/alpha").read_text() == f"#!{prefix}/bin/python\n"
    assert (prefix / "bin/alpha").stat().st_mode & 0o111
    stored = (prefix / "lib/alpha.bin").read_bytes()
    assert f"BIN{prefix}/lib\0".encode() in stored
    assert b"placehold" not in stored


def test_it_is_served_over_http(channel: TinyChannel, tmp_path: Path) -> None:
    with serve(channel.path) as server:
        prefix = install(server.url, tmp_path, "alpha")
        assert (prefix / "share/alpha/data").exists()
        assert server.requests["/linux-64/alpha-1.0-0.conda"] == 1


def test_records_are_those_of_the_engines_own_index(channel: TinyChannel) -> None:
    own = {record["fn"]: record for record in channel.records()}
    for old in channel.path.glob("*/repodata*"):
        old.unlink()
    script = "import asyncio, os, sys, rattler.index\nasyncio.run(rattler.index.index_fs(sys.argv[1]))\nos._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(channel.path)], check=True, timeout=60)
    theirs = {record["fn"]: record for record in channel.records()}
    assert set(own) == set(theirs)
    for fn, record in theirs.items():
        for key in ("name", "version", "build", "build_number", "sha256", "md5", "size", "subdir"):
            assert own[fn][key] == record[key], key
        assert own[fn]["depends"] == record.get("depends", [])


def test_the_lock_is_what_conda_lock_reads(channel: TinyChannel, tmp_path: Path) -> None:
    from conda_lock.lockfile import parse_conda_lock_file

    lock = parse_conda_lock_file(channel.write_lock(tmp_path / "conda-lock.yml"))
    assert {(item.name, item.version, item.manager, item.platform) for item in lock.package} == {
        ("alpha", "1.0", "conda", "linux-64"),
        ("beta", "2.0", "conda", "linux-64"),
    }
    records = {record["name"]: record for record in channel.records()}
    for item in lock.package:
        assert item.hash.sha256 == records[item.name]["sha256"]
        assert item.url == records[item.name]["url"]
    [beta] = [item for item in lock.package if item.name == "beta"]
    assert beta.dependencies == {"alpha": ">=1"}


def test_noarch_python_lands_in_site_packages(tmp_path: Path) -> None:
    channel = TinyChannel(tmp_path / "channel")
    channel.add("python", "3.11.9", build="h0_0_cpython", files={"bin/python3.11": Executable("#!/bin/sh\n")})
    channel.add(
        "pure",
        noarch="python",
        depends=["python >=3.10"],
        entry_points=["pure = pure:main"],
        files={"site-packages/pure.py": "def main(): pass\n"},
    )
    prefix = install(channel.index().url, tmp_path, "pure")
    assert (prefix / "lib/python3.11/site-packages/pure.py").exists()
    assert (prefix / "bin/pure").read_text().startswith(f"#!{prefix}/bin/python3.11")
