"""A channel of small packages with everything that restoring has to handle, and ways to look at the outcome."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import errors
from bootstrap.lock import read_lock, validate
from bootstrap.prefix.compare import compare_prefix
from bootstrap.prefix.manifest import read_manifest, suspects
from bootstrap.prefix.transaction import restore
from tests.support.channel.server import ChannelServer, serve
from tests.support.channel.tiny import Executable, Placeholder, Symlink, TinyChannel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootstrap.prefix.transaction import Restored

BIG = 2_000_000
"""Bytes of the package that faults strike: enough that half of it is still something."""


def fill(channel: TinyChannel, *, numpy: str = "2.3.4", extra: bool = False) -> TinyChannel:
    """Adds an environment in small: links, text and binary placeholders, noarch python with an entry point."""
    channel.add(
        "python",
        "3.13.1",
        build="h0_0_cp313",
        files={
            "bin/python3.13": Executable("#!/bin/sh\necho python\n"),
            "bin/python": Symlink("python3.13"),
            "lib/python3.13/os.py": "sep = '/'\n",
        },
        python_site_packages_path="lib/python3.13/site-packages",
    )
    channel.add(
        "numpy",
        numpy,
        build="py313_0",
        depends=["python >=3.13,<3.14.0a0"],
        files={
            "lib/python3.13/site-packages/numpy/__init__.py": f"__version__ = '{numpy}'\n",
            "lib/python3.13/site-packages/numpy/_core.so": bytes(range(256)) * 40,
            "bin/f2py": Executable(Placeholder("#!{prefix}/bin/python\nprint('f2py')\n")),
        },
    )
    channel.add(
        "tool",
        "1.0",
        build="py_0",
        noarch="python",
        depends=["python", "numpy"],
        files={"site-packages/tool/__init__.py": "def main():\n    print('tool')\n"},
        entry_points=["tool = tool:main"],
    )
    channel.add(
        "libfoo",
        "4.5",
        build="h1_0",
        files={
            "lib/libfoo.so.4": Placeholder("ELF {prefix}/share/foo", "binary"),
            "lib/libfoo.so": Symlink("libfoo.so.4"),
        },
    )
    channel.add_big("weights", "1.0", size=BIG)
    if extra:
        channel.add("extra", "0.1", files={"share/extra.txt": "extra\n"})
    return channel.index()


@dataclass
class Site:
    """A channel on a server, a lock for it, and where to restore."""

    root: Path
    channel: TinyChannel
    server: ChannelServer

    @property
    def prefix(self) -> Path:
        return self.root / "env"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def lock(self, name: str = "conda-lock.yml", **options: Any) -> Path:
        return self.channel.write_lock(self.root / name, channel_url=self.server.url, **options)

    def restore(self, lock: Path | None = None, **options: Any) -> Restored:
        settings: dict[str, Any] = {"cache": self.cache, "retry_budget": 0.0, **options}
        prefix = settings.pop("prefix", self.prefix)
        return restore(read_lock(lock or self.lock()), prefix, **settings)

    def archive(self, name: str) -> str:
        """The path of a package's archive in the channel."""
        record = next(r for r in self.channel.records() if r["name"] == name)
        return f"{record['subdir']}/{record['fn']}"


@contextmanager
def site(root: Path, **options: Any) -> Iterator[Site]:
    """A served channel with the small environment."""
    channel = fill(TinyChannel(root / "channel"), **options)
    with serve(channel.path) as server:
        yield Site(root, channel, server)


def snapshot(folder: Path) -> dict[str, str]:
    """Every path below a folder with its content, link target or kind."""
    found: dict[str, str] = {}
    for base, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(base, name)
            key = os.path.relpath(path, folder)
            if os.path.islink(path):
                found[key] = f"-> {os.readlink(path)}"
            elif os.path.isdir(path):
                found[key] = "folder"
            else:
                with open(path, "rb") as file:
                    found[key] = hashlib.sha256(file.read()).hexdigest() + oct(os.stat(path).st_mode)
    return found


def unvouched(cache: Path) -> list[str]:
    """What a cache holds besides packages with a voucher; a restore that ended in any way should leave nothing."""
    vouchers = {path.name.removesuffix(".json") for path in cache.glob("vouchers/*")}
    entries = [path.name for path in cache.glob("pkgs/*")]
    others = [path.name for path in cache.glob("*") if path.name not in ("pkgs", "vouchers")]
    return [*others, *(name for name in entries if name.removesuffix(".lock") not in vouchers)]


def leftovers(prefix: Path) -> list[str]:
    """What a restore should have cleaned up beside a prefix."""
    return sorted(p.name for p in prefix.parent.glob(f".{prefix.name}.*"))


def agrees(site: Site, lock: Path | None = None) -> bool:
    """Whether the environment is what the lock says, every file hashed."""
    records = validate(read_lock(lock or site.lock()), "linux-64")
    return compare_prefix(site.prefix, records).agrees


def fetched(site: Site) -> set[str]:
    """The packages that were asked for on the server."""
    return {path.rsplit("/", 1)[-1].rsplit("-", 2)[0] for path in site.server.requests if path.endswith(".conda")}


QUARRELLING = ("first", "second", "third", "fourth")
"""Packages that all have a file of one name."""


def add_quarrelling_packages(site: Site) -> None:
    """Adds packages with a file of one name; it is decided at the end of a restore whose is in place."""
    for name in QUARRELLING:
        # One that others need is installed before them.
        depends = {"first": ["fourth"], "second": ["third"]}.get(name, [])
        files = {"share/same.txt": f"{name}\n", f"share/{name}.txt": name}
        site.channel.add(name, "1", files=files, depends=depends)
    site.channel.index()


def restore_quarrelling_packages(site: Site) -> None:
    """Restores them anew, and asserts that manifest, records and files say the same."""
    lock = site.lock()
    shutil.rmtree(site.prefix, ignore_errors=True)
    site.restore(lock)
    manifest = read_manifest(site.prefix)
    assert manifest
    for name in QUARRELLING:
        meta = json.loads((site.prefix / f"conda-meta/{name}-1-0.json").read_text())
        owned = {entry["_path"] for entry in meta["paths_data"]["paths"]}
        assert set(manifest.files[f"{name}-1-0"]) == {*owned, f"conda-meta/{name}-1-0.json"}
        assert meta["license"] == "BSD-3-Clause"
    assert suspects(site.prefix, manifest) == set()
    assert agrees(site, lock)
    assert site.restore(lock).action == "unchanged"


def fails(
    site: Site, error: type[errors.BootstrapError], lock: Path | None = None, **options: Any
) -> errors.BootstrapError:
    """Asserts that the restore fails with this error, and that nothing has changed."""
    lock = lock or site.lock()
    before, cached = snapshot(site.prefix), snapshot(site.cache)
    with pytest.raises(errors.BootstrapError) as caught:
        site.restore(lock, **options)
    assert type(caught.value) is error, caught.value.evidence
    assert caught.value.evidence
    assert snapshot(site.prefix) == before
    assert leftovers(site.prefix) == []
    assert snapshot(site.cache).items() >= cached.items(), "what was fetched earlier is kept"
    assert unvouched(site.cache) == []
    return caught.value


def then_succeeds(site: Site, lock: Path | None = None) -> None:
    """Asserts that the restore is done, and right."""
    lock = lock or site.lock()
    assert site.restore(lock).action in ("created", "updated")
    assert agrees(site, lock)
