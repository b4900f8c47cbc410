from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.support.channel.index import read_repodata, write_repodata
from tests.support.channel.interpreter import build_python
from tests.support.channel.target import Target, choose_target
from tests.support.once import digest, made_once

# Run inside the restored prefix; everything it says must lie in there.
_QUESTIONS = """
import json, site, ssl, sqlite3, ctypes, lzma, bz2, zlib, sys, sysconfig
print(json.dumps({
    "prefix": sys.prefix,
    "path": sys.path,
    "site": site.getsitepackages(),
    "paths": sysconfig.get_paths(),
    "variables": {k: v for k, v in sysconfig.get_config_vars().items() if isinstance(v, str)},
    "maps": sorted({line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}),
    "version": "%d.%d.%d" % sys.version_info[:3],
}))
"""
_UNPACK = """
import asyncio, os, sys, rattler
channel, prefix, cache = sys.argv[1:]
async def main():
    records = await rattler.solve([channel], ["python"], platforms=["linux-64", "noarch"],
                                  virtual_packages=rattler.VirtualPackage.detect())
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)
asyncio.run(main())
os._exit(0)
"""


def restored(target: Target) -> Path:
    """The target's ``python`` package, installed by the engine into a prefix, once for all."""

    def build(folder: Path) -> None:
        channel = folder / "channel"
        (channel / "linux-64").mkdir(parents=True)
        write_repodata(channel, [build_python(channel / "linux-64", target)])
        command = [sys.executable, "-c", _UNPACK, channel.as_uri(), str(folder / "prefix"), str(folder / "cache")]
        subprocess.run(command, check=True, timeout=600)

    sources = [path.read_text() for path in sorted((ROOT / "tests/support/channel").glob("*.py"))]
    key = digest(target.identity(), *sources, version("py-rattler"), _UNPACK)
    return made_once(ROOT / ".cache", "interpreter", key, build) / "prefix"


@pytest.fixture(scope="module", params=["chosen", pytest.param("debian", marks=pytest.mark.exhaustive)])
def place(request: pytest.FixtureRequest) -> tuple[Target, Path]:
    if request.param == "chosen":
        target = choose_target()
    elif not Path("/usr/bin/python3.11").exists():
        pytest.skip("no system Python 3.11 here")
    else:
        target = choose_target("/usr/bin/python3.11")
        if not target.debian:
            pytest.skip("the system's Python 3.11 isn't Debian's")
    return target, restored(target)


def ask(prefix: Path) -> dict[str, Any]:
    environment = {"PATH": "/usr/bin:/bin"}
    command = [str(prefix / "bin/python"), "-I", "-c", _QUESTIONS]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    return dict(json.loads(answer.stdout))


def test_everything_agrees_on_the_prefix(place: tuple[Target, Path]) -> None:
    target, prefix = place
    facts = ask(prefix)
    site_packages = str(prefix / target.site_packages)
    assert facts["version"] == target.version
    assert facts["prefix"] == str(prefix)
    assert facts["site"] == [site_packages]
    assert facts["paths"]["purelib"] == facts["paths"]["platlib"] == site_packages
    assert site_packages in facts["path"]
    assert all(path.startswith(str(prefix)) for path in facts["path"])
    for key in ("prefix", "BINDIR", "LIBDIR", "INCLUDEPY", "LIBDEST"):
        assert facts["variables"][key].startswith(str(prefix)), key
    assert not [value for value in facts["variables"].values() if "placehold" in value]


def test_it_loads_nothing_of_the_original(place: tuple[Target, Path]) -> None:
    target, prefix = place
    glibc = ("libc.so", "libm.so", "ld-linux", "libpthread.so", "libdl.so", "libresolv.so")
    strange = [path for path in ask(prefix)["maps"] if not path.startswith(str(prefix))]
    assert [path for path in strange if not Path(path).name.startswith(glibc)] == []
    assert not target.executable.is_relative_to(prefix)


def test_it_makes_virtual_environments(place: tuple[Target, Path], tmp_path: Path) -> None:
    target, prefix = place
    if not (prefix / f"lib/python{target.short}/ensurepip").is_dir():
        pytest.skip("the original has no ensurepip")
    environment = tmp_path / "venv"
    subprocess.run([prefix / "bin/python", "-m", "venv", environment], check=True, timeout=120)
    done = subprocess.run([environment / "bin/pip", "--version"], capture_output=True, text=True, check=True)
    assert str(environment / target.site_packages) in done.stdout


def test_short_names_lead_to_the_binary(place: tuple[Target, Path]) -> None:
    target, prefix = place
    for name in ("python", "python3"):
        assert (prefix / "bin" / name).readlink() == Path(f"python{target.short}")
    assert not list(prefix.rglob("test_*.py"))
    assert not list((prefix / target.site_packages).glob("*/"))
    assert (prefix / "bin/pydoc").read_text().startswith(f"#!{prefix}/bin/python{target.short}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount")
def test_it_runs_with_the_original_hidden(place: tuple[Target, Path], tmp_path: Path) -> None:
    target, prefix = place
    hidden = [target.stdlib] if str(target.prefix) == "/usr" else [target.prefix / "lib", target.stdlib]
    if any(prefix.is_relative_to(folder) for folder in hidden):
        pytest.skip("the test's own folder would be hidden too")
    mounts = "".join(f"mount --bind {tmp_path} {folder} && " for folder in hidden[:1])
    script = (
        f"{mounts}test ! -e {target.stdlib}/os.py && exec {prefix}/bin/python -I -c 'import ssl, sqlite3; print(1)'"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "permission denied" in done.stderr.lower():
        pytest.skip("no mount namespace here")
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.exhaustive
def test_the_package_is_the_same_every_time(tmp_path: Path) -> None:
    target = choose_target()
    kept = read_repodata(restored(target).parent / "channel")
    assert [build_python(tmp_path, target)["sha256"]] == [record["sha256"] for record in kept]
